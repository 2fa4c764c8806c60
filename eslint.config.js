export default [
  {
    files: ['src/tamis/server/web/*.js', 'src/tamis/partition/web/*.js', 'tests/web/*.js'],
    // Names and types are the type checker's business; these are habits.
    rules: {
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': ['error', { destructuring: 'all' }],
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-shadow': 'error',
      'no-unsafe-finally': 'error',
      'no-self-compare': 'error',
      'no-unreachable': 'error',
      'no-fallthrough': 'error',
      'no-dupe-keys': 'error',
      'no-empty': 'error',
      'no-console': 'error',
      'no-restricted-properties': ['error', { property: 'innerHTML', message: 'text is text: use element()' }],
      'object-shorthand': 'error',
    },
  },
];
