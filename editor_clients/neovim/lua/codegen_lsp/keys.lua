--- Keys for ghost text that do what they did before wherever there is none.
local ghost = require('codegen_lsp.ghost')

local M = {}

---@alias codegen_lsp.Action 'accept'|'next'|'previous'

---@type table<codegen_lsp.Action, { run: fun(), desc: string }>
local ACTIONS = {
  accept = {
    desc = 'codegen-lsp: accept the ghost text',
    run = ghost.accept_now,
  },
  next = {
    desc = 'codegen-lsp: next candidate',
    run = function()
      ghost.cycle(1)
    end,
  },
  previous = {
    desc = 'codegen-lsp: previous candidate',
    run = function()
      ghost.cycle(-1)
    end,
  },
}

---@param action codegen_lsp.Action
---@param suffix? string
local function plug(action, suffix)
  return ('<Plug>(codegen-lsp-%s%s)'):format(action, suffix or '')
end

--- The mapping of a key in a buffer's insert mode, as |maparg()| tells it.
---@param bufnr? integer nil for the mapping of all buffers
---@param key string
---@return table<string, any>?
local function find(bufnr, key)
  local raw = vim.keycode(key)
  local maps = bufnr and vim.api.nvim_buf_get_keymap(bufnr, 'i') or vim.api.nvim_get_keymap('i')
  return vim.iter(maps):find(function(map)
    return map.lhsraw == raw or map.lhsrawalt == raw
  end)
end

--- What to type instead of `key` so that it does what `map` says.
---@param map table<string, any>?
---@param key string
---@param action codegen_lsp.Action
---@return string
local function former(map, key, action)
  local unmapped = vim.keycode(plug(action, '-unmapped'))
  if not map then
    return unmapped
  end
  local is_keys = map.expr == 1 or not map.callback
  if map.noremap == 1 or not is_keys then
    local moved = vim.tbl_extend('force', map, { lhs = plug(action, '-former'), buffer = 0 })
    moved.lhsraw, moved.lhsrawalt = vim.keycode(moved.lhs), nil
    vim.fn.mapset(moved)
    return moved.lhsraw
  end
  -- Its keys are mapped in turn, except a leading `key`; as in Vim, else there would be no end.
  local keys = (map.rhs or ''):gsub('<SID>', ('<SNR>%d_'):format(map.sid))
  if map.expr == 1 then
    keys = map.callback and map.callback() or vim.api.nvim_eval(keys)
  end
  if map.expr ~= 1 or map.replace_keycodes == 1 then
    keys = vim.keycode(keys)
  end
  local raw = vim.keycode(key)
  return vim.startswith(keys, raw) and unmapped .. keys:sub(#raw + 1) or keys
end

---@param bufnr integer
---@param action codegen_lsp.Action
---@param key string
local function map_key(bufnr, action, key)
  local desc = ACTIONS[action].desc
  local local_map = find(bufnr, key)
  if local_map and local_map.desc == desc then
    return -- from an earlier server in this buffer
  end
  vim.keymap.set('i', plug(action, '-unmapped'), key)
  vim.keymap.set('i', key, function()
    if ghost.is_visible() then
      return vim.keycode(plug(action))
    end
    return former(local_map or find(nil, key), key, action)
  end, { buffer = bufnr, desc = desc, expr = true, remap = true, replace_keycodes = false })
end

--- Map the keys in a buffer, and each action to `<Plug>(codegen-lsp-{action})` everywhere.
---@param bufnr integer
---@param keys table<codegen_lsp.Action, string|false>
function M.set(bufnr, keys)
  for action, do_it in pairs(ACTIONS) do
    vim.keymap.set('i', plug(action), do_it.run, { desc = do_it.desc })
    if keys[action] then
      map_key(bufnr, action, keys[action])
    end
  end
end

return M
