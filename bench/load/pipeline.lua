-- wrk -s pipeline.lua URL -- DEPTH: each connection sends DEPTH requests at a time.
local requests

function init(args)
  local depth = tonumber(args[1])
  local one = wrk.format()
  requests = one:rep(depth)
end

function request()
  return requests
end
