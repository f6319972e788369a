"""What budgets hold in Redis, read and corrected: for the ledger's word, not for calls."""

from triplegate.stores.redis.scripts import SHARED, Script

# ARGV per key: as of the take script. Answer: per key spent, held and number of the window, as text: exact to 64 bits.
_BALANCE = """
local answer = {}
for i, key in ipairs(KEYS) do
  local a = (i - 1) * 6
  local bucket = load_holding(key, ARGV[a + 1], tonumber(ARGV[a + 4]), tonumber(ARGV[a + 5]))
  local v = redis.call('HMGET', key, 's', 'h')
  answer[#answer + 1] = v[1] or '0'
  answer[#answer + 1] = v[2] or '0'
  answer[#answer + 1] = string.format('%.0f', bucket.p)
end
return answer
"""

# ARGV: as of the take script for one key, then number of the window, amount, and what must be spent ('' = whatever is).
# Nothing falls below 0.
_CORRECT = """
local key, period, amount, seen = KEYS[1], tonumber(ARGV[7]), ARGV[8], ARGV[9]
local bucket = load_holding(key, ARGV[1], tonumber(ARGV[4]), tonumber(ARGV[5]))
if seen ~= '' and redis.call('HGET', key, 's') ~= seen then return {0} end
if bucket.s + tonumber(amount) < 0 then amount = string.format('%.0f', -bucket.s) end
spend(key, bucket, period, amount)
return {1}
"""

BALANCE = Script(SHARED + _BALANCE)
CORRECT = Script(SHARED + _CORRECT)
