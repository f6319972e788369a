"""The Lua side of admission: the formulas of `stores.memory` in one atomic step, on the server's own clock."""

import hashlib
from typing import Final

EPOCH_SECONDS: Final = 1_767_225_600
"""Times in the scripts are microseconds since 2026, so that a double keeps fractions of them."""

# Shared by the scripts. A rate is one string of two doubles: TAT and the sum of refunds. A budget or a concurrency
# limit is a hash (p: number of the window, s: spent, h: held), hold ids by expiry (az), their amounts (aa), the ids
# that were settled lately (ad) and, of a rolling window, what was spent by slice (as). Integers are changed by
# HINCRBY, exact to 64 bits. Windows of budgets: above 0 they are microseconds, with `burst` the number of slices
# of a rolling one (0: it is none); below 0 days of a unit of the calendar, with `burst` the month a year begins with.
# Which window is open is said by the server's clock alone, so that no node's clock can open or reopen one.
SHARED = """
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

local function floor_div(a, b) return math.floor(a / b) end

-- Months since the year 0 that a day since 1970 lies in, and back: the day that a month begins with.
local function month_of(day)
  local z = day + 719468
  local era = floor_div(z, 146097)
  local d = z - era * 146097
  local y = floor_div(d - floor_div(d, 1460) + floor_div(d, 36524) - floor_div(d, 146096), 365)
  local m = floor_div(5 * (d - (365 * y + floor_div(y, 4) - floor_div(y, 100))) + 2, 153)
  return (y + era * 400) * 12 + m + 2
end

local function day_of(month)
  local y = floor_div(month - 2, 12)
  local d = floor_div(153 * (month - 2 - y * 12) + 2, 5)
  return y * 365 + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) + d - 719468
end

local LENGTHS, DAY = {[-30] = 1, [-91] = 3, [-365] = 12}, 86400e6

local function window_of(window, burst)
  if window > 0 then
    local number = floor_div(wall, window)
    return number, (number + 1) * window - wall
  end
  local day = floor_div(wall, DAY)
  if window == -1 then return day, (day + 1) * DAY - wall end
  if window == -7 then
    local number = floor_div(day + 3, 7)
    return number, (number * 7 + 4) * DAY - wall
  end
  local length = LENGTHS[window]
  local shift = length > 1 and burst - 1 or 0
  local number = floor_div(month_of(day) - shift, length)
  return number, day_of((number + 1) * length + shift) * DAY - wall
end

-- Rolling windows: slices that count no more go.
local function roll(key, bucket, first)
  local all = redis.call('HGETALL', beside(key, 'as'))
  for i = 1, #all, 2 do
    if tonumber(all[i]) < first then
      redis.call('HDEL', beside(key, 'as'), all[i])
      redis.call('HINCRBY', key, 's', '-' .. all[i + 1])
      bucket.s = bucket.s - tonumber(all[i + 1])
    end
  end
end

local function load_holding(key, family, window, burst)
  local period, left, kept = 0, 0, 0
  if family == 'c' then left = ASK_AGAIN else
    period, left = window_of(window, burst)
    kept = window > 0 and burst * window or 0
  end
  local v = redis.call('HMGET', key, 'p', 's', 'h')
  local bucket = {p = tonumber(v[1] or '-1'), s = tonumber(v[2] or '0'), h = tonumber(v[3] or '0'), left = left,
    life = left + kept, first = period}
  if period > bucket.p then
    if kept > 0 and v[1] then
      roll(key, bucket, period - burst)
      redis.call('HSET', key, 'p', string.format('%.0f', period))
      redis.call('PEXPIRE', key, px(left + kept + TOMBSTONE), 'GT')
      bucket.p = period
    else
      redis.call('DEL', key, beside(key, 'az'), beside(key, 'aa'), beside(key, 'ad'), beside(key, 'as'))
      redis.call('HSET', key, 'p', string.format('%.0f', period), 's', '0', 'h', '0')
      redis.call('PEXPIRE', key, px(left + kept + TOMBSTONE))
      bucket.p, bucket.s, bucket.h = period, 0, 0
      bucket.first = kept > 0 and period - burst or period
      return bucket
    end
  end
  bucket.first = kept > 0 and bucket.p - burst or bucket.p
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

-- Until so many of the oldest slices are gone that the amount fits; at most until all are.
local function until_it_leaves(key, bucket, over, window)
  local numbers, amounts, all = {}, {}, redis.call('HGETALL', beside(key, 'as'))
  for i = 1, #all, 2 do
    numbers[#numbers + 1] = tonumber(all[i])
    amounts[tonumber(all[i])] = tonumber(all[i + 1])
  end
  table.sort(numbers)
  local last = bucket.first
  for _, number in ipairs(numbers) do
    last, over = number, over - amounts[number]
    if over <= 0 then break end
  end
  return bucket.left + (last - bucket.first) * window
end

local function holding_wait(key, bucket, c, amount)
  local family, quota = c.family, c.quota
  if bucket.s + bucket.h + amount <= quota then return 0 end
  if c.last and bucket.s + bucket.h < quota then return 0 end
  if family == 'b' and bucket.s + amount > quota then
    if bucket.life == bucket.left then return bucket.left end
    return until_it_leaves(key, bucket, bucket.s + amount - quota, c.window)
  end
  return bucket.h > 0 and soonest(key, bucket.left) or bucket.left
end

local function keep_until(key, us)
  for _, name in ipairs({key, beside(key, 'az'), beside(key, 'aa'), beside(key, 'ad'), beside(key, 'as')}) do
    redis.call('PEXPIRE', name, px(us - now), 'NX')
    redis.call('PEXPIRE', name, px(us - now), 'GT')
  end
end

local function hold(key, bucket, id, amount, expires)
  redis.call('ZADD', beside(key, 'az'), string.format('%.0f', expires), id)
  redis.call('HSET', beside(key, 'aa'), id, amount)
  redis.call('HINCRBY', key, 'h', amount)
  keep_until(key, math.max(expires, now + bucket.life) + TOMBSTONE)
end

-- In the window of its admission, or not at all when that one is over.
local function spend(key, bucket, period, amount)
  if period < bucket.first then return end
  if bucket.s + tonumber(amount) < MOST then
    redis.call('HINCRBY', key, 's', amount)
    if bucket.life ~= bucket.left then
      redis.call('HINCRBY', beside(key, 'as'), string.format('%.0f', period), amount)
    end
  end
  keep_until(key, now + bucket.life + TOMBSTONE)
end
"""

# ARGV: take|peek, ttl µs, hold id, then per key: family, mode, quota, window, burst, amount. The mode is 1, 0
# (observed: it never denies, and budgets count all the same) or 2 (passes while anything is left).
# Answer: granted, wait µs, then per key: remaining, reset µs, waited µs, token.
_TAKE = """
local taking, ttl, id = ARGV[1] == 'take', tonumber(ARGV[2]), ARGV[3]
local cache, claims, wait = {}, {}, 0
for i, key in ipairs(KEYS) do
  local a = 3 + (i - 1) * 6
  local c = {key = key, family = ARGV[a + 1], enforced = ARGV[a + 2] ~= '0', last = ARGV[a + 2] == '2',
    quota = tonumber(ARGV[a + 3]), window = tonumber(ARGV[a + 4]), burst = tonumber(ARGV[a + 5]),
    amount = tonumber(ARGV[a + 6]), text = ARGV[a + 6]}
  local rate = c.family == 'r'
  local bucket = cache[key]
  if not bucket then
    bucket = rate and load_rate(key) or load_holding(key, c.family, c.window, c.burst)
    bucket.tat0, bucket.h0 = bucket.tat, bucket.h
    cache[key] = bucket
  end
  c.bucket, c.token = bucket, ''
  if rate then c.wait = rate_wait(bucket, c.quota, c.window, c.burst, c.amount)
  else c.wait = holding_wait(key, bucket, c, c.amount) end
  if c.wait > 0 and c.enforced then wait = math.max(wait, c.wait) end
  c.taken = taking and (c.wait == 0 or (c.family == 'b' and not c.enforced))
  if c.taken then
    if rate then c.token = take_rate(bucket, c.quota, c.window, c.burst, c.amount)
    else
      if c.last and bucket.s + bucket.h + c.amount > c.quota then
        c.amount = math.max(0, c.quota - bucket.s - bucket.h)
        c.text = string.format('%.0f', c.amount)
      end
      bucket.h = bucket.h + c.amount
      c.token = struct.pack('d', bucket.p)
    end
  end
  claims[i] = c
end
for i, c in ipairs(claims) do
  if wait > 0 then c.bucket.tat, c.bucket.h, c.token = c.bucket.tat0, c.bucket.h0, ''
  elseif c.taken then
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

# ARGV per key: family, quota, window, burst, claimed, fixed, actual, hold id, token, refundable.
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
      local kept = math.max(0, actual - fixed) * per -- of a claim so large that it was not charged whole
      local refund = math.min((claimed - math.max(actual, fixed)) * per, new - math.max(0, bucket.s - s) - now,
        new - admitted - kept)
      if refund > 0 then
        bucket.tat, bucket.s = bucket.tat - refund, bucket.s + refund
        redis.call('SET', key, struct.pack('dd', bucket.tat, bucket.s), 'KEEPTTL')
      end
    end
  else
    local bucket = load_holding(key, family, window, burst)
    local period = token == '' and bucket.p or struct.unpack('d', token)
    if period >= bucket.first then
      local first = drop(key, bucket, id) or not redis.call('ZSCORE', beside(key, 'ad'), id)
      redis.call('ZREM', beside(key, 'az'), id)
      if family == 'b' and first then
        redis.call('ZREMRANGEBYSCORE', beside(key, 'ad'), '-inf', now)
        redis.call('ZADD', beside(key, 'ad'), string.format('%.0f', now + TOMBSTONE), id)
        spend(key, bucket, period, ARGV[a + 7])
      end
    end
  end
end
return 1
"""

# ARGV: ttl µs, then per key: family, mode, quota, window, burst, has, wanted, hold id, token.
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
    c.bucket = load_holding(key, c.family, c.window, c.burst)
    if struct.unpack('d', c.token) < c.bucket.first then c.lacking = 0
    elseif redis.call('HEXISTS', beside(key, 'aa'), c.id) == 1 then
      redis.call('ZADD', beside(key, 'az'), 'XX', string.format('%.0f', now + ttl), c.id)
      keep_until(key, math.max(now + ttl, now + c.bucket.life) + TOMBSTONE)
    else c.lacking = wanted end
    if c.lacking > 0 then wait = holding_wait(key, c.bucket, c, c.lacking) end
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


TAKE = Script(SHARED + _TAKE)
SETTLE = Script(SHARED + _SETTLE)
EXTEND = Script(SHARED + _EXTEND)
