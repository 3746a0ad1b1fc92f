-- wrk -s post.lua URL -- BODY: the same POST over and over.
function init(args)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.body = args[1]
  local one = wrk.format()
  request = function() return one end
end
