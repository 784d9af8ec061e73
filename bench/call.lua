-- The load: wrk sends the requests that bench/load.py prepared, and ends with one JSON line on stderr.
--   BODIES   a file with one JSON-RPC request a line      HEADERS   "Name: value" lines
--   SESSIONS session ids, separated by commas
-- It looks at no reply beyond the status: that keeps the load cheap. bench/client.py checks the replies.

local headers = {["Content-Type"] = "application/json", ["Accept"] = "application/json, text/event-stream",
                 ["User-Agent"] = "python-httpx2/2.16.2", ["Connection"] = "keep-alive"}
for line in (os.getenv("HEADERS") or ""):gmatch("[^\n]+") do
  local name, value = line:match("^([^:]+): (.*)$")
  headers[name] = value
end

local requests, last = {}, 0

function init(args)
  local sessions = {}
  for s in (os.getenv("SESSIONS") or ""):gmatch("[^,]+") do sessions[#sessions + 1] = s end
  for line in io.lines(os.getenv("BODIES")) do
    if #sessions > 0 then headers["Mcp-Session-Id"] = sessions[#requests % #sessions + 1] end
    requests[#requests + 1] = wrk.format("POST", nil, headers, line)
  end
end

function request() last = last % #requests + 1; return requests[last] end

function done(s, latency, _)
  local e = s.errors
  io.stderr:write(string.format(
    '{"n":%d,"dur":%f,"rps":%f,"p50":%f,"p99":%f,"refused":%d,"failed":%d,"bytes":%d}\n',
    s.requests, s.duration / 1e6, s.requests / (s.duration / 1e6), latency:percentile(50), latency:percentile(99),
    e.status, e.connect + e.read + e.write + e.timeout, s.bytes))
end
