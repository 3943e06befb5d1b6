--- How Neovim starts the server, in the words of |vim.lsp.Config|. What a person sets with
--- `require('codegen_lsp').setup()` or `vim.lsp.config('codegen_lsp', …)` comes on top.

---@type vim.lsp.Config
return {
  cmd = { 'codegen-lsp', 'serve' },
  filetypes = {
    'c',
    'cpp',
    'go',
    'java',
    'javascript',
    'javascriptreact',
    'python',
    'rust',
    'typescript',
    'typescriptreact',
  },
  root_markers = { '.git', 'pyproject.toml', 'setup.py', 'package.json', 'Cargo.toml', 'go.mod' },
  -- One server for all projects: a second one would hold the model in memory a second time.
  reuse_client = function(client, config)
    return client.name == config.name
  end,
}
