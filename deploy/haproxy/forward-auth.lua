-- Asks mcp-oauth-proxy whether a request may pass. In a frontend, for paths of an MCP server:
--
--   http-request lua.mcp_authenticate http://127.0.0.1:8080/authenticate wiki-mcp.example.com
--
-- 200: the request goes on, with the credential and the identity headers of the answer in place of the client's.
-- 401 and 403: the client gets them with their challenge. Anything else, or no answer: 503.

local timeout_ms = 10000

-- What the answer decides about. With auth_header_format = "X-API-Key", and likewise for any other name, add it here.
local decided = {
  "authorization",
  "x-auth-request-user",
  "x-auth-request-preferred-username",
  "x-auth-request-email",
  "x-auth-request-groups",
  "x-auth-request-scopes",
  "x-auth-request-access-token",
}

-- About the body or the connection, which are not passed on.
local not_asked = {
  ["connection"] = true,
  ["content-encoding"] = true,
  ["content-length"] = true,
  ["content-type"] = true,
  ["cookie"] = true,
  ["expect"] = true,
  ["host"] = true,
  ["transfer-encoding"] = true,
  ["upgrade"] = true,
}

-- HAProxy counts the values of a header from 0, its HTTP client wants them from 1.
local function values(header)
  local list = {}
  for index = 0, #header do
    if header[index] ~= nil then list[#list + 1] = header[index] end
  end
  return list
end

local function question(txn, host)
  local headers = { host = { host } }
  for name, header in pairs(txn.http:req_get_headers()) do
    if not not_asked[name] then headers[name] = values(header) end
  end
  return headers
end

local function refuse(txn, status, headers)
  headers["cache-control"] = { "no-store" }
  headers["content-length"] = { "0" }
  txn:done(txn:reply({ status = status, headers = headers }))
end

core.register_action("mcp_authenticate", { "http-req" }, function(txn, url, host)
  local answer = core.httpclient():get({ url = url, headers = question(txn, host), timeout = timeout_ms })
  if answer == nil or (answer.status ~= 200 and answer.status ~= 401 and answer.status ~= 403) then
    core.Warning("mcp-oauth-proxy gave no answer for " .. host)
    return refuse(txn, 503, { ["retry-after"] = { "5" } })
  end
  if answer.status ~= 200 then
    local challenge = answer.headers["www-authenticate"]
    return refuse(txn, answer.status, challenge and { ["www-authenticate"] = values(challenge) } or {})
  end
  for _, name in ipairs(decided) do
    txn.http:req_del_header(name)
    for _, value in ipairs(values(answer.headers[name] or {})) do txn.http:req_add_header(name, value) end
  end
end, 2)
