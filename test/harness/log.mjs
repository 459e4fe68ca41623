// What a server wrote, and what it must never write.

/** Collects the output of a server and judges it at the end. */
export class Log {
  #out = '';
  #err = '';
  #secrets = new Map();
  #allowed = [];

  attach(child) {
    child.stdout.setEncoding('utf8').on('data', text => { this.#out += text; });
    child.stderr.setEncoding('utf8').on('data', text => { this.#err += text; });
  }

  get out() { return this.#out; }
  get err() { return this.#err; }
  get text() { return this.#out + this.#err; }

  /** Remembers a value that must not appear in the log. Short values are refused: they occur by chance. */
  secret(name, value) {
    if (typeof value === 'string' && value.length >= 20) { this.#secrets.set(value, name); }
    return value;
  }

  /** Lets one pattern pass that would otherwise be a violation. */
  allow(pattern) { this.#allowed.push(pattern); }

  /** The lines that break a rule: a panic, a 5xx other than a deliberate 503, a secret. */
  violations() {
    const found = [];
    for (const line of this.text.split('\n')) {
      if (this.#allowed.some(pattern => pattern.test(line))) { continue; }
      if (/panic|runtime error|goroutine \d+ \[/i.test(line)) { found.push(`panic: ${line}`); }
      if (/"status":\s*5(?!03)\d\d\b/.test(line)) { found.push(`server error: ${line}`); }
    }
    for (const [value, name] of this.#secrets) {
      if (this.#err.includes(value)) { found.push(`the log holds a secret: ${name}`); }
    }
    return found;
  }
}
