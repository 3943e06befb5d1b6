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

--- The mapping of a key in insert mode, as |maparg()| tells it.
---@param maps table<string, any>[]
---@param key string
---@return table<string, any>?
local function find(maps, key)
  local raw = vim.keycode(key)
  return vim.iter(maps):find(function(map)
    return map.lhsraw == raw or map.lhsrawalt == raw
  end)
end

--- What to type instead of `key` so that it does what `map` says.
---@param map table<string, any>?
---@param key string
---@return string
local function former(map, key)
  local raw = vim.keycode(key)
  local unmapped, moved = '<Plug>(codegen-lsp-unmapped)' .. key, '<Plug>(codegen-lsp-former)' .. key
  vim.keymap.set('i', unmapped, key)
  if not map then
    return vim.keycode(unmapped)
  end
  local gives_keys = map.expr == 1 or not map.callback
  if map.noremap == 1 or not gives_keys then
    map = vim.tbl_extend('force', map, { lhs = moved, lhsraw = vim.keycode(moved), buffer = 0 })
    map.lhsrawalt = nil
    vim.fn.mapset(map)
    return map.lhsraw
  end
  -- Its keys are mapped in turn, except a leading `key`; as in Vim, else there would be no end.
  local keys = vim.keycode((map.rhs or ''):gsub('<SID>', ('<SNR>%d_'):format(map.sid)))
  if map.expr == 1 then
    keys = map.callback and map.callback() or vim.api.nvim_eval(keys)
    keys = map.replace_keycodes == 1 and vim.keycode(keys) or keys
  end
  return vim.startswith(keys, raw) and vim.keycode(unmapped) .. keys:sub(#raw + 1) or keys
end

---@param bufnr integer
---@param action codegen_lsp.Action
---@param key string
local function map_key(bufnr, action, key)
  local desc = ACTIONS[action].desc
  local in_buffer = find(vim.api.nvim_buf_get_keymap(bufnr, 'i'), key)
  if in_buffer and in_buffer.desc == desc then
    return -- from an earlier server in this buffer
  end
  -- No <expr> mapping: in a burst of keys Neovim evaluates one before the keys ahead of it have
  -- reached the text.
  vim.keymap.set('i', key, function()
    if ghost.is_fresh() then
      ACTIONS[action].run()
    else
      local map = in_buffer or find(vim.api.nvim_get_keymap('i'), key)
      vim.api.nvim_feedkeys(former(map, key), 'mi', false)
    end
  end, { buffer = bufnr, desc = desc })
end

--- Map the keys in a buffer, and each action to `<Plug>(codegen-lsp-{action})` everywhere.
---@param bufnr integer
---@param keys table<codegen_lsp.Action, string|false>
function M.set(bufnr, keys)
  for action, do_it in pairs(ACTIONS) do
    vim.keymap.set('i', ('<Plug>(codegen-lsp-%s)'):format(action), do_it.run, { desc = do_it.desc })
    if keys[action] then
      map_key(bufnr, action, keys[action])
    end
  end
end

return M
