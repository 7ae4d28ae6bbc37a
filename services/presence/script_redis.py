"""Presence in Redis: what is written in one step on the server, by the clock of the server.

Keys, all of which end by themselves but the index:

    presence:<user id>           hash of the devices, each `{status, device, socketId, node, workspace, lastSeen,
                                 leaseUntil, closed?}`
    presence:expiry              sorted set of what ends when: `<user id>|<workspace id>|<device>`, no device for what
                                 the user says
    presence:custom:<user id>    what the user says
    presence:seen:<user id>      when they were last there
    presence:epoch               drawn anew when everything is gone
    presence:changes:<user id>   channel: `1` when a device has brought them online, else `0`
"""

from typing import Final

from services.presence.domain import GRACE_MS, LEASE_MS, SEEN_MS

HASH_MS: Final = 300_000
"""How long the devices of a user are kept when nobody sweeps."""

_COMMON = f"""
local prefix, ahead = ARGV[1], tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000) + ahead
local expiry = prefix .. 'expiry'
local epoch = redis.call('GET', prefix .. 'epoch')
if not epoch then
  epoch = ARGV[3]
  redis.call('SET', prefix .. 'epoch', epoch)
end
local function whole(number)
  return string.format('%.0f', number)
end
local function until_of(entry)
  return tonumber(string.match(entry, '"leaseUntil":(%d+)'))
end
local function ring(user, edge)
  redis.call('PUBLISH', prefix .. 'changes:' .. user, edge and '1' or '0')
end
local function keep(user, workspace, field, entry, ends)
  redis.call('HSET', prefix .. user, field, entry .. ',"leaseUntil":' .. whole(ends) .. '}}')
  redis.call('PEXPIRE', prefix .. user, {HASH_MS})
  redis.call('ZADD', expiry, whole(ends), user .. '|' .. workspace .. '|' .. field)
end
"""

APPLY: Final = (
    _COMMON
    + f"""
local arg = 7
local function any_live(user)
  for _, entry in ipairs(redis.call('HVALS', prefix .. user)) do
    if until_of(entry) > now then
      return true
    end
  end
  return false
end
local function hold(new)
  local user, workspace, field, head = ARGV[arg], ARGV[arg + 1], ARGV[arg + 2], ARGV[arg + 3]
  arg = arg + 4
  local old = redis.call('HGET', prefix .. user, field)
  local same = old and until_of(old) > now and string.sub(old, 1, #head) == head
  same = same and not string.find(old, '"closed":true', #head, true)
  local edge = new and not same and not any_live(user)
  keep(user, workspace, field, head .. ',"lastSeen":' .. whole(now), now + {LEASE_MS})
  if not same then
    ring(user, edge)
  end
end
local function close()
  local user, workspace, field = ARGV[arg], ARGV[arg + 1], ARGV[arg + 2]
  arg = arg + 4
  local old = redis.call('HGET', prefix .. user, field)
  if old and not string.find(old, '"closed":true', 1, true) then
    local head = string.match(old, '^(.*),"lastSeen":')
    local ends = math.min(until_of(old), now + {GRACE_MS})
    keep(user, workspace, field, head .. ',"lastSeen":' .. whole(now) .. ',"closed":true', ends)
    ring(user, false)
  end
end
for _ = 1, tonumber(ARGV[4]) do
  hold(true)
end
for _ = 1, tonumber(ARGV[5]) do
  hold(false)
end
for _ = 1, tonumber(ARGV[6]) do
  close()
end
return epoch
"""
)
"""Arguments: how many leases are connected, renewed and closed, then of each the user, the workspace, the device and
the beginning of the entry.
"""

SAY: Final = (
    _COMMON
    + """
local user, workspace, text, ends, edge = ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[8] == '1'
local member = user .. '|' .. workspace .. '|'
redis.call('ZREM', expiry, member)
if text == '' then
  redis.call('DEL', prefix .. 'custom:' .. user)
else
  redis.call('SET', prefix .. 'custom:' .. user, text, 'PX', ARGV[9])
  if ends > 0 then
    redis.call('ZADD', expiry, whole(ends), member)
  end
end
ring(user, edge)
return epoch
"""
)
"""Arguments: the user, the workspace, what they say, when it ends, whether that brings them online, how long to keep
it.
"""

SWEEP: Final = (
    _COMMON
    + f"""
local due = redis.call('ZRANGEBYSCORE', expiry, '-inf', whole(now), 'WITHSCORES', 'LIMIT', 0, tonumber(ARGV[4]))
for index = 1, #due, 2 do
  local user, workspace, field = string.match(due[index], '^([^|]*)|([^|]*)|(.*)$')
  local entry = field ~= '' and redis.call('HGET', prefix .. user, field)
  redis.call('ZREM', expiry, due[index])
  if field == '' then
    redis.call('DEL', prefix .. 'custom:' .. user)
  else
    redis.call('HDEL', prefix .. user, field)
    local seen = entry and string.match(entry, '"lastSeen":(%d+)') or whole(due[index + 1] - {LEASE_MS})
    local text = '{{"workspace":' .. cjson.encode(workspace) .. ',"lastSeen":' .. seen .. '}}'
    redis.call('SET', prefix .. 'seen:' .. user, text, 'PX', {SEEN_MS})
  end
  ring(user, false)
end
return {{epoch, #due / 2}}
"""
)
"""Argument: how many at most. What was renewed, or said again, is not due."""

FORGET: Final = (
    _COMMON
    + """
local user = ARGV[4]
redis.call('DEL', prefix .. user, prefix .. 'custom:' .. user, prefix .. 'seen:' .. user)
return epoch
"""
)
"""Argument: the user. What the index has of them goes with the next sweep."""
