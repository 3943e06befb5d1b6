--- What |lsp-inline_completion| leaves open: an outdated candidate stays on the screen and can be
--- accepted, outdated requests run on, and nothing asks for more candidates than one.
local api = vim.api

local M = {}

local METHOD = 'textDocument/inlineCompletion'
local NAMESPACE = api.nvim_create_namespace('nvim.lsp.inline_completion')

--- The state behind the ghost text. Neovim 0.12 has no public way to it; where it is gone, an
--- outdated ghost text stays a little longer and more candidates are not asked for.
---@param bufnr integer
local function completor(bufnr)
  local found, capability = pcall(require, 'vim.lsp._capability')
  local inline = found and (capability.all or {}).inline_completion
  return inline and inline.active[bufnr]
end

--- What was typed since the candidate was asked for, if the candidate begins with that.
---@param bufnr integer
---@param item vim.lsp.inline_completion.Item
---@return string? typed nil when the candidate does not belong here any more
local function typed_through(bufnr, item)
  if not item.range or type(item.insert_text) ~= 'string' then
    return ''
  end
  local row, col = item.range:to_extmark()
  local cursor_row, cursor_col = unpack(api.nvim_win_get_cursor(0))
  if row ~= cursor_row - 1 or col > cursor_col then
    return nil
  end
  local typed = api.nvim_buf_get_text(bufnr, row, col, row, cursor_col, {})[1]
  return vim.startswith(item.insert_text, typed) and typed or nil
end

--- Keep the ghost text of a buffer true to what is typed.
---@param bufnr integer
function M.watch(bufnr)
  api.nvim_create_autocmd({ 'CursorMovedI', 'TextChangedP' }, {
    group = api.nvim_create_augroup('codegen_lsp_ghost_' .. bufnr, {}),
    buffer = bufnr,
    desc = 'codegen-lsp: drop what is outdated',
    callback = function()
      for _, client in ipairs(vim.lsp.get_clients({ bufnr = bufnr, name = 'codegen_lsp' })) do
        for id, request in pairs(client.requests) do
          if request.type == 'pending' and request.method == METHOD and request.bufnr == bufnr then
            client:cancel_request(id)
          end
        end
      end
      local state = completor(bufnr)
      if state and state.current and not typed_through(bufnr, state.current) then
        state.current = nil
        state:hide()
      end
    end,
  })
  -- Who typed while the server started has not been answered, and need not type on for an answer.
  local state = completor(bufnr)
  if state and bufnr == api.nvim_get_current_buf() and api.nvim_get_mode().mode:match('^i') then
    state:automatic_request()
  end
end

--- Whether a person sees ghost text in the current buffer, and it still belongs to what is there.
---@return boolean
function M.is_fresh()
  local bufnr = api.nvim_get_current_buf()
  local is_visible = #api.nvim_buf_get_extmarks(bufnr, NAMESPACE, 0, -1, { limit = 1 }) > 0
  -- Keys that come in a burst arrive here before the autocommand above.
  local state = completor(bufnr)
  local is_outdated = state and state.current and not typed_through(bufnr, state.current)
  return is_visible and not is_outdated
end

--- Insert the ghost text, in the next turn of the event loop. False when there is none.
---@return boolean
function M.accept()
  if not M.is_fresh() then
    return false
  end
  local bufnr = api.nvim_get_current_buf()
  return vim.lsp.inline_completion.get({
    on_accept = function(item)
      local typed = typed_through(bufnr, item)
      if typed and typed ~= '' then
        -- Replace what was typed since: inserted before it, the text would be there twice.
        local row, col, end_row, end_col = item.range:to_extmark()
        local cursor_col = api.nvim_win_get_cursor(0)[2]
        item.range = vim.range.extmark(bufnr, row, col, end_row, math.max(end_col, cursor_col))
      end
      return typed and item
    end,
  })
end

--- Insert the ghost text before the next key is read, also when keys come faster than events.
function M.accept_now()
  local done = not M.accept()
  vim.schedule(function()
    done = true
  end)
  vim.wait(100, function()
    return done
  end)
end

--- Show another of several candidates; if there is only one, ask for more first.
---@param count integer
function M.cycle(count)
  local bufnr = api.nvim_get_current_buf()
  local state = completor(bufnr)
  if not state or not state.current or state:count_items() > 1 then
    vim.lsp.inline_completion.select({ count = count })
    return
  end
  local shown = state.current.insert_text
  for _, client in ipairs(vim.lsp.get_clients({ bufnr = bufnr, name = 'codegen_lsp' })) do
    local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
    ---@cast params lsp.InlineCompletionParams
    params.context = { triggerKind = vim.lsp.protocol.InlineCompletionTriggerKind.Invoked }
    client:request(METHOD, params, function(err, result, context)
      if err or not result or not next(result.items or result) then
        return
      end
      state:handler(err, result, context)
      if state.current and state.current.insert_text == shown then
        vim.lsp.inline_completion.select({ bufnr = bufnr, count = count })
      end
    end, bufnr)
  end
end

return M
