// Everything that can be set, in one place. The defaults fit `make run` in the root of the repository.

const env = process.env;

export const config = {
  /** Where Admit answers: the same URL that it was given as --public-url, without a trailing slash. */
  admitUrl: (env.ADMIT_URL || 'http://localhost:8080').replace(/\/+$/, ''),
  /** The access key that the two APIs use to ask Admit about a person's permissions. */
  accessKey: env.ADMIT_ACCESS_KEY || '',
  applicationId: env.ADMIT_APPLICATION || 'app_default',
  webPort: Number(env.WEB_PORT || 3000),
  nodePort: Number(env.NODE_API_PORT || 3001),
  goPort: Number(env.GO_API_PORT || 3002)
};

/** Stops with a sentence that says what to do when the access key is missing. */
export function requireAccessKey() {
  if (!config.accessKey) {
    console.error('ADMIT_ACCESS_KEY is not set. Make a key in the root of the repository and pass it on:\n\n'
      + '  export ADMIT_ACCESS_KEY=$(./bin/admit access-key create --client quickstart --admin)\n');
    process.exit(2);
  }
}
