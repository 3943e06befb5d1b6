--- `:checkhealth codegen_lsp`: what is needed for ghost text, and what to do where it is missing.
local M = {}

function M.check()
  local health = vim.health
  health.start('codegen-lsp')
  local version = tostring(vim.version())
  if vim.fn.has('nvim-0.12') == 0 then
    health.error('Neovim ' .. version .. ' cannot show ghost text of a server', {
      'Install Neovim 0.12 or newer.',
    })
    return
  end
  health.ok('Neovim ' .. version)

  local config = vim.lsp.config.codegen_lsp
  if vim.lsp.is_enabled('codegen_lsp') then
    health.ok('Switched on for ' .. table.concat(config.filetypes, ', '))
  else
    health.warn('Not switched on', { "Call require('codegen_lsp').setup() in your init.lua." })
  end

  local program = type(config.cmd) == 'table' and config.cmd[1] or nil
  if not program then
    health.info('`cmd` is a function: the server was not checked')
    return
  end
  local path = vim.fn.exepath(program)
  if path == '' then
    health.error('`' .. program .. '` is no program on PATH', {
      'Install it: pipx install . (in the repository that this plugin comes from)',
      "Or say where it is: require('codegen_lsp').setup({ cmd = { '/path/to/codegen-lsp', 'serve' } })",
    })
    return
  end
  local answer = vim.system({ path, '--version' }, { text = true, timeout = 10000 }):wait()
  if answer.code == 0 then
    health.ok(('%s is %s'):format(path, vim.trim(answer.stdout)))
  else
    health.error(('%s --version failed: %s'):format(path, vim.trim(answer.stderr)), {
      'Run `codegen-lsp doctor` in a shell.',
    })
  end

  local clients = vim.lsp.get_clients({ name = 'codegen_lsp' })
  for _, client in ipairs(clients) do
    local n_buffers = vim.tbl_count(client.attached_buffers)
    health.ok(('The server runs, for %d buffer(s)'):format(n_buffers))
  end
  if #clients == 0 then
    health.info('The server does not run; it starts with the first file of these types')
  end
  health.info('Messages of the server: ' .. vim.lsp.log.get_filename())
end

return M
