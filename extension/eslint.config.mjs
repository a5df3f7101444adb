// SPDX-License-Identifier: BSD-3-Clause
import js from '@eslint/js';
import jupyter from '@jupyter/eslint-plugin';
import tseslint from 'typescript-eslint';

const asText = 'Names come from users: they reach the page as text only.';

export default tseslint.config(
  { ignores: ['lib', 'absent', '**/*.js', '*.config.*'] },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [js.configs.recommended, tseslint.configs.recommendedTypeChecked]
  },
  ...jupyter.configs.recommended.map(config => ({ ...config, plugins: { jupyter } })),
  {
    files: ['**/*.ts', '**/*.tsx'],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      // Signals bind `this` themselves, and namespaces of ids are JupyterLab's own form.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-namespace': 'off',
      // The whole extension is one file of 60 KB.
      'jupyter/prefer-lazy-imports': 'off',
      curly: 'error',
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        ...['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'srcdoc'].map(property => ({
          property,
          message: asText
        }))
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'JSXAttribute[name.name="dangerouslySetInnerHTML"]', message: asText },
        { selector: 'CallExpression[callee.property.name="write"]', message: asText }
      ]
    }
  }
);
