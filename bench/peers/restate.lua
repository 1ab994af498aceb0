-- What wrk sends to Restate: wrk -s restate.lua <url> -- <arm> <prefix of the ended keys> <how many of them>
-- Prints one line of JSON at the end.
local arm, prefix, replayed, count

function init(args)
  arm, prefix, replayed, count = args[1], args[2], tonumber(args[3]), 0
  math.randomseed(os.time())
  run = string.format("%08x%08x", math.random(0, 2 ^ 31 - 1), tonumber(tostring(args):match("0x(%x+)"), 16) % 2 ^ 32)
  wrk.method = "POST"
  wrk.body = '{"order":"o-1","amount":4200,"currency":"eur"}'
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  count = count + 1
  wrk.headers["Idempotency-Key"] = arm == "replay" and prefix .. count % replayed or run .. "-" .. count
  return wrk.format()
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"perSecond":%.1f,"p50Ms":%.3f,"p99Ms":%.3f,"errors":%d}\n',
    summary.requests * 1e6 / summary.duration, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
