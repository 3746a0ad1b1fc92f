-- wrk -t1 -c64 -d10s -s apps/one-million/load/events.lua http://127.0.0.1:8080/event [-- USERS [PIPELINE]]
-- Sends events of different users and values. wrk cannot check totals; `one-million client` does.
local requests = {}
local at = 0

function init(args)
  local users = tonumber(args[1]) or 75000
  local pipeline = tonumber(args[2]) or 1
  math.randomseed(1)
  -- Made before the clock starts: the generator should not be what is measured.
  for i = 1, 20000 do
    local parts = {}
    for j = 1, pipeline do
      local body = string.format('{"userId":"user-%d","value":%.2f}', math.random(0, users - 1), math.random(0, 99999) / 100)
      parts[j] = wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, body)
    end
    requests[i] = table.concat(parts)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
