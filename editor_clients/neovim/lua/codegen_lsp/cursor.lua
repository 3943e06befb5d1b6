--- Tell the server where the cursor rests: it evaluates what a request from there would need, before
--- anybody waits for it. LSP has no message for that, so this is one of the server's own.
local api = vim.api

local M = {}

local METHOD = 'codegen/didMoveCursor'

---@param bufnr integer
local function tell(bufnr)
  if bufnr ~= api.nvim_get_current_buf() then
    return
  end
  for _, client in ipairs(vim.lsp.get_clients({ bufnr = bufnr, name = 'codegen_lsp' })) do
    if vim.tbl_get(client.server_capabilities, 'experimental', 'codegen', 'didMoveCursor') then
      client:notify(METHOD, vim.lsp.util.make_position_params(0, client.offset_encoding))
    end
  end
end

--- Tell it for a buffer, now and whenever the cursor comes there or rests there.
---@param bufnr integer
function M.watch(bufnr)
  api.nvim_create_autocmd({ 'BufEnter', 'CursorHold', 'CursorHoldI' }, {
    group = api.nvim_create_augroup('codegen_lsp_cursor_' .. bufnr, {}),
    buffer = bufnr,
    desc = 'codegen-lsp: tell where the cursor rests',
    callback = function()
      -- At |BufEnter| the cursor is not yet back where it was in this buffer.
      vim.schedule(function()
        tell(bufnr)
      end)
    end,
  })
  tell(bufnr)
end

return M
