"""The Lua side of admission: the formulas of `stores.memory` in one atomic step, on the server's own clock."""

import hashlib
from typing import Final

EPOCH_SECONDS: Final = 1_767_225_600
"""Times in the scripts are microseconds since 2026, so that a double keeps fractions of them."""

# Shared by the three scripts. A rate is one string of two doubles: TAT and the sum of refunds. A budget or a
# concurrency limit is a hash (p: number of the window, s: spent, h: held), hold ids by expiry (az), their amounts (aa)
# and the ids that were settled lately (ad). Integers are changed by HINCRBY, exact to 64 bits.
_SHARED = """
local t = redis.call('TIME')
local now = (tonumber(t[1]) - 1767225600) * 1e6 + tonumber(t[2])
local wall = tonumber(t[1]) * 1e6 + tonumber(t[2])
local FURTHEST, TOMBSTONE, ASK_AGAIN, MOST, SLACK = 86400e6, 300e6, 1e6, 9.2e18, 1

-- Beside names are made in front: behind, a bucket's name could be made up to hit another bucket's.
local function beside(key, kind) return (string.gsub(key, '^({[^}]*}:)a:', '%1' .. kind .. ':', 1)) end

local function px(us) return string.format('%.0f', math.min(math.max(math.ceil(us / 1000), 1), 34560000000)) end

local function rate_of(quota, window, burst)
  local per = quota > 0 and window / quota or 0
  return per, burst > 0 and burst * per or window
end

local function load_rate(key)
  local raw = redis.call('GET', key)
  if not raw then return {tat = 0, s = 0} end
  local tat, s = struct.unpack('dd', raw)
  return {tat = tat, s = s, known = true}
end

local function save_rate(key, bucket, window, until_us)
  local life = px(math.max(bucket.tat, until_us) - now + window)
  redis.call('SET', key, struct.pack('dd', bucket.tat, bucket.s), 'PX', life)
end

local function rate_wait(bucket, quota, window, burst, amount)
  if quota <= 0 then return window end
  local per, depth = rate_of(quota, window, burst)
  local ahead, cost = math.max(bucket.tat - now, 0), amount * per
  if cost > depth + SLACK then return ahead > SLACK and ahead or 0 end
  return ahead + cost - depth > SLACK and ahead + cost - depth or 0
end

local function take_rate(bucket, quota, window, burst, amount)
  local per, depth = rate_of(quota, window, burst)
  bucket.tat = math.min(math.max(now, bucket.tat) + amount * per, now + depth + FURTHEST)
  return struct.pack('ddd', bucket.tat, bucket.s, now)
end

local function drop(key, bucket, id)
  local amount = redis.call('HGET', beside(key, 'aa'), id)
  if not amount then return false end
  redis.call('HDEL', beside(key, 'aa'), id)
  if amount ~= '0' then redis.call('HINCRBY', key, 'h', '-' .. amount) end
  bucket.h = bucket.h - tonumber(amount)
  return true
end

local function load_holding(key, family, window)
  local period, left = 0, 0
  if family == 'c' then left = ASK_AGAIN else
    period = math.floor(wall / window)
    left = (period + 1) * window - wall
  end
  local v = redis.call('HMGET', key, 'p', 's', 'h')
  local bucket = {p = tonumber(v[1] or '-1'), s = tonumber(v[2] or '0'), h = tonumber(v[3] or '0'), left = left}
  if period > bucket.p then
    redis.call('DEL', key, beside(key, 'az'), beside(key, 'aa'), beside(key, 'ad'))
    redis.call('HSET', key, 'p', string.format('%.0f', period), 's', '0', 'h', '0')
    redis.call('PEXPIRE', key, px(left + TOMBSTONE))
    return {p = period, s = 0, h = 0, left = left}
  end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', beside(key, 'az'), '-inf', now, 'LIMIT', 0, 500)) do
    drop(key, bucket, id)
    redis.call('ZREM', beside(key, 'az'), id)
  end
  return bucket
end

local function soonest(key, at_most)
  local first = redis.call('ZRANGE', beside(key, 'az'), 0, 0, 'WITHSCORES')
  if not first[2] then return at_most end
  return math.min(at_most, math.max(1000, tonumber(first[2]) - now))
end

local function holding_wait(key, bucket, family, quota, amount)
  if bucket.s + bucket.h + amount <= quota then return 0 end
  if family == 'b' and bucket.s + amount > quota then return bucket.left end
  return bucket.h > 0 and soonest(key, bucket.left) or bucket.left
end

local function keep_until(key, us)
  for _, name in ipairs({key, beside(key, 'az'), beside(key, 'aa'), beside(key, 'ad')}) do
    redis.call('PEXPIRE', name, px(us - now), 'NX')
    redis.call('PEXPIRE', name, px(us - now), 'GT')
  end
end

local function hold(key, bucket, id, amount, expires)
  redis.call('ZADD', beside(key, 'az'), string.format('%.0f', expires), id)
  redis.call('HSET', beside(key, 'aa'), id, amount)
  redis.call('HINCRBY', key, 'h', amount)
  keep_until(key, math.max(expires, now + bucket.left) + TOMBSTONE)
end
"""

# ARGV: take|peek, ttl µs, hold id, then per key: family, enforced, quota, window µs, burst, amount.
# Answer: granted, wait µs, then per key: remaining, reset µs, waited µs, token.
_TAKE = """
local taking, ttl, id = ARGV[1] == 'take', tonumber(ARGV[2]), ARGV[3]
local cache, claims, wait = {}, {}, 0
for i, key in ipairs(KEYS) do
  local a = 3 + (i - 1) * 6
  local c = {key = key, family = ARGV[a + 1], enforced = ARGV[a + 2] == '1', quota = tonumber(ARGV[a + 3]),
    window = tonumber(ARGV[a + 4]), burst = tonumber(ARGV[a + 5]), amount = tonumber(ARGV[a + 6]), text = ARGV[a + 6]}
  local rate = c.family == 'r'
  local bucket = cache[key]
  if not bucket then
    bucket = rate and load_rate(key) or load_holding(key, c.family, c.window)
    bucket.tat0, bucket.h0 = bucket.tat, bucket.h
    cache[key] = bucket
  end
  c.bucket, c.token = bucket, ''
  if rate then c.wait = rate_wait(bucket, c.quota, c.window, c.burst, c.amount)
  else c.wait = holding_wait(key, bucket, c.family, c.quota, c.amount) end
  if c.wait > 0 then
    if c.enforced then wait = math.max(wait, c.wait) end
  elseif taking then
    if rate then c.token = take_rate(bucket, c.quota, c.window, c.burst, c.amount)
    else
      bucket.h = bucket.h + c.amount
      c.token = struct.pack('d', bucket.p)
    end
  end
  claims[i] = c
end
for i, c in ipairs(claims) do
  if wait > 0 then c.bucket.tat, c.bucket.h, c.token = c.bucket.tat0, c.bucket.h0, ''
  elseif taking and c.wait == 0 then
    if c.family == 'r' then save_rate(c.key, c.bucket, c.window, now + ttl)
    else hold(c.key, c.bucket, id .. ':' .. i, c.text, now + ttl) end
  end
end
local answer = {wait > 0 and 0 or 1, math.ceil(wait)}
for _, c in ipairs(claims) do
  local left, reset = 0, 0
  if c.family ~= 'r' then
    left = math.max(0, c.quota - c.bucket.s - c.bucket.h)
    if c.bucket.h > 0 then reset = soonest(c.key, c.bucket.left)
    elseif c.bucket.s > 0 then reset = c.bucket.left end
  elseif c.quota <= 0 then reset = c.window
  else
    local per, depth = rate_of(c.quota, c.window, c.burst)
    local ahead = math.max(c.bucket.tat - now, 0)
    left = depth > ahead and math.floor((depth - ahead + math.min(SLACK, per / 100)) / per) or 0
    if ahead > 0 then reset = math.max(0, (left + 1) * per - depth + ahead) end
  end
  answer[#answer + 1] = left
  answer[#answer + 1] = math.ceil(reset)
  answer[#answer + 1] = math.ceil(c.wait)
  answer[#answer + 1] = c.token
end
return answer
"""

# ARGV per key: family, quota, window µs, burst, claimed, fixed, actual, hold id, token, refundable.
_SETTLE = """
for i, key in ipairs(KEYS) do
  local a = (i - 1) * 10
  local family, quota, window, burst = ARGV[a + 1], tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3]), tonumber(ARGV[a + 4])
  local claimed, fixed, actual = tonumber(ARGV[a + 5]), tonumber(ARGV[a + 6]), tonumber(ARGV[a + 7])
  local id, token, refundable = ARGV[a + 8], ARGV[a + 9], ARGV[a + 10] == '1'
  if family == 'r' then
    local bucket = load_rate(key)
    local per, depth = rate_of(quota, window, burst)
    local new, s, admitted = 0, 0, now
    if token ~= '' then new, s, admitted = struct.unpack('ddd', token) end
    if actual > claimed then
      bucket.tat = math.min(math.max(bucket.tat, admitted) + (actual - claimed) * per, now + depth + FURTHEST)
      save_rate(key, bucket, window, now)
    elseif bucket.known and refundable then
      local refund = math.min((claimed - math.max(actual, fixed)) * per, new - math.max(0, bucket.s - s) - now)
      if refund > 0 then
        bucket.tat, bucket.s = bucket.tat - refund, bucket.s + refund
        redis.call('SET', key, struct.pack('dd', bucket.tat, bucket.s), 'KEEPTTL')
      end
    end
  else
    local bucket = load_holding(key, family, window)
    if token == '' or struct.unpack('d', token) == bucket.p then
      local first = drop(key, bucket, id) or not redis.call('ZSCORE', beside(key, 'ad'), id)
      redis.call('ZREM', beside(key, 'az'), id)
      if family == 'b' and first then
        redis.call('ZREMRANGEBYSCORE', beside(key, 'ad'), '-inf', now)
        redis.call('ZADD', beside(key, 'ad'), string.format('%.0f', now + TOMBSTONE), id)
        if bucket.s + actual < MOST then redis.call('HINCRBY', key, 's', ARGV[a + 7]) end
        keep_until(key, now + bucket.left + TOMBSTONE)
      end
    end
  end
end
return 1
"""

# ARGV: ttl µs, then per key: family, enforced, quota, window µs, burst, has, wanted, hold id, token.
# Answer: granted, then per key the new token.
_EXTEND = """
local ttl, granted, claims = tonumber(ARGV[1]), 1, {}
for i, key in ipairs(KEYS) do
  local a = 1 + (i - 1) * 9
  local c = {key = key, family = ARGV[a + 1], quota = tonumber(ARGV[a + 3]), window = tonumber(ARGV[a + 4]),
    burst = tonumber(ARGV[a + 5]), id = ARGV[a + 8], token = ARGV[a + 9]}
  local has, wanted = tonumber(ARGV[a + 6]), tonumber(ARGV[a + 7])
  local wait = 0
  c.lacking = wanted - has
  if c.family == 'r' then
    c.bucket = load_rate(key)
    if c.lacking > 0 then wait = rate_wait(c.bucket, c.quota, c.window, c.burst, c.lacking) end
  else
    c.bucket = load_holding(key, c.family, c.window)
    if struct.unpack('d', c.token) ~= c.bucket.p then c.lacking = 0
    elseif redis.call('HEXISTS', beside(key, 'aa'), c.id) == 1 then
      redis.call('ZADD', beside(key, 'az'), 'XX', string.format('%.0f', now + ttl), c.id)
      keep_until(key, math.max(now + ttl, now + c.bucket.left) + TOMBSTONE)
    else c.lacking = wanted end
    if c.lacking > 0 then wait = holding_wait(key, c.bucket, c.family, c.quota, c.lacking) end
  end
  if wait > 0 and ARGV[a + 2] == '1' then granted = 0 end
  claims[i] = c
end
local answer = {granted}
for _, c in ipairs(claims) do
  if c.family == 'r' then
    if granted == 1 and c.lacking > 0 then c.token = take_rate(c.bucket, c.quota, c.window, c.burst, c.lacking) end
    save_rate(c.key, c.bucket, c.window, now + ttl)
  elseif granted == 1 and c.lacking > 0 then
    local amount = string.format('%.0f', c.lacking)
    local before = tonumber(redis.call('HGET', beside(c.key, 'aa'), c.id) or '0')
    hold(c.key, c.bucket, c.id, amount, now + ttl)
    redis.call('HSET', beside(c.key, 'aa'), c.id, string.format('%.0f', before + c.lacking))
  end
  answer[#answer + 1] = c.token
end
return answer
"""


class Script:
    """A script and the name the server knows it by."""

    __slots__ = ("name", "text")

    def __init__(self, text: str) -> None:
        self.text = text.encode()
        self.name = hashlib.sha1(self.text, usedforsecurity=False).hexdigest().encode()


TAKE = Script(_SHARED + _TAKE)
SETTLE = Script(_SHARED + _SETTLE)
EXTEND = Script(_SHARED + _EXTEND)
