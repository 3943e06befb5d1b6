--- CodeGen's ghost text in Neovim. The server thinks and Neovim's own |lsp-inline_completion| shows;
--- here the two are put together, and keys are put on it. See |codegen-lsp|.
local M = {}

---@class codegen_lsp.Opts
---@field cmd? string[] How the server is started.
---@field filetypes? string[] Where there is ghost text.
---@field root_markers? (string|string[])[] What marks the root of a project.
---@field settings? table<string, any> The server's settings, see |codegen-lsp-settings|.
---@field trusted? boolean Whether the projects are trusted: without that, none of their code is run.
---@field keys? table<codegen_lsp.Action, string|false> Insert mode keys; `false` takes none.

---@type table<codegen_lsp.Action, string|false>
local KEYS = { accept = '<Tab>', next = '<M-n>', previous = '<M-p>' }
local OPTIONS = { cmd = 1, filetypes = 1, root_markers = 1, settings = 1, trusted = 1, keys = 1 }

---@param message string At 80 columns, more than 55 characters would want to be confirmed with ENTER.
local function warn(message)
  vim.schedule(function()
    vim.notify('codegen-lsp: ' .. message, vim.log.levels.WARN)
  end)
end

--- Switch ghost text on, for what is open and for what is opened later.
---@param opts? codegen_lsp.Opts
function M.setup(opts)
  opts = opts or {}
  if vim.fn.has('nvim-0.12') == 0 then
    local version = vim.version()
    warn(('needs Neovim 0.12, this is %d.%d'):format(version.major, version.minor))
    return
  end
  for _, known in ipairs({ { opts, OPTIONS, '' }, { opts.keys or {}, KEYS, 'keys.' } }) do
    for name in pairs(known[1]) do
      if not known[2][name] then
        warn(('setup() has no option `%s%s`'):format(known[3], name))
      end
    end
  end

  local settings = opts.settings and next(opts.settings) and opts.settings or nil
  vim.lsp.config('codegen_lsp', {
    cmd = opts.cmd,
    filetypes = opts.filetypes,
    root_markers = opts.root_markers,
    capabilities = { experimental = { codegen = { trusted = opts.trusted == true } } },
    init_options = settings,
    settings = { codegen = settings },
  })

  local keys = vim.tbl_extend('force', KEYS, opts.keys or {})
  local group = vim.api.nvim_create_augroup('codegen_lsp', {})
  vim.api.nvim_create_autocmd('LspAttach', {
    group = group,
    callback = function(event)
      local client = vim.lsp.get_client_by_id(event.data.client_id)
      if client and client.name == 'codegen_lsp' then
        vim.lsp.inline_completion.enable(true, { bufnr = event.buf })
        require('codegen_lsp.ghost').watch(event.buf)
        require('codegen_lsp.cursor').watch(event.buf)
        require('codegen_lsp.keys').set(event.buf, keys)
      end
    end,
  })
  vim.api.nvim_create_user_command('CodegenExplain', function()
    require('codegen_lsp.explain').open()
  end, { desc = 'codegen-lsp: why this ghost text, or none' })
  vim.lsp.enable('codegen_lsp')

  -- Neovim leaves a server that it cannot find out, and says so in its log only.
  local config = vim.lsp.config.codegen_lsp
  if type(config.cmd) == 'table' and vim.fn.executable(config.cmd[1]) == 0 then
    vim.api.nvim_create_autocmd('FileType', {
      group = group,
      pattern = config.filetypes,
      once = true,
      callback = function()
        warn(('no program `%s`: see :help codegen-lsp'):format(config.cmd[1]))
      end,
    })
  end
end

--- Insert the ghost text. False when there is none.
---@return boolean
function M.accept()
  return require('codegen_lsp.ghost').accept()
end

--- Show the next candidate, or the previous one for -1. The first time, this asks for several.
---@param count? integer
function M.cycle(count)
  require('codegen_lsp.ghost').cycle(count or 1)
end

return M
