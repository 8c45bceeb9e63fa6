/** The doors of the broker. Each has its own way to ask who is there, and its own shape of error. */
export type Door = 'health' | 'scim' | 'oauth' | 'setup' | 'api' | 'docs' | 'console' | 'pages' | 'none';
