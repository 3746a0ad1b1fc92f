-- wrk -s walk.lua URL -- COUNT: asks for /0.css, /1.css, … one after the other, COUNT of them, over and over.
local requests = {}
local at = 0

function init(args)
  for i = 1, tonumber(args[1]) do
    requests[i] = wrk.format("GET", "/" .. (i - 1) .. ".css")
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
