--- `:CodegenExplain`: why there is the ghost text that there is, or none, to read in a window of its own.
local api = vim.api

local M = {}

--- Where the person asks about, as the server counts: the cursor; or, right after Insert mode, the place
--- behind it, because <Esc> has moved the cursor back.
---@param client vim.lsp.Client
---@return lsp.Position
local function position(client)
  local row, col = unpack(api.nvim_win_get_cursor(0))
  local line = api.nvim_get_current_line()
  local left_row, left_col = unpack(api.nvim_buf_get_mark(0, '^'))
  if left_row == row and vim.fn.strchars(line:sub(col + 1, left_col)) == 1 then
    col = left_col
  end
  local character = vim.str_utfindex(line, client.offset_encoding, math.min(col, #line))
  return { line = row - 1, character = character }
end

---@param markdown string
local function show(markdown)
  vim.cmd('botright new')
  local bufnr = api.nvim_get_current_buf()
  vim.bo[bufnr].buftype, vim.bo[bufnr].bufhidden = 'nofile', 'wipe'
  api.nvim_buf_set_lines(bufnr, 0, -1, true, vim.split(vim.trim(markdown), '\n'))
  vim.bo[bufnr].modifiable = false
  vim.bo[bufnr].filetype = 'markdown'
end

--- Ask for it, and show it as soon as it is there.
function M.open()
  local bufnr = api.nvim_get_current_buf()
  local client = vim.lsp.get_clients({ bufnr = bufnr, name = 'codegen_lsp' })[1]
  if not client then
    vim.notify('codegen-lsp: no server for this buffer', vim.log.levels.WARN)
    return
  end
  client:request('workspace/executeCommand', {
    command = 'codegen.explain',
    arguments = { { uri = vim.uri_from_bufnr(bufnr), position = position(client) } },
  }, function(_, result)
    if result then
      show(result.markdown)
    end
  end, bufnr)
end

return M
