// A reporter of node --test: one line of JSON for every test that ended.

export default async function* report(events) {
  const suites = new Map(); // of a file: the open suites by depth
  for await (const { type, data } of events) {
    const { file, nesting, name } = data ?? {};
    if (type === 'test:start') {
      const open = suites.get(file) ?? [];
      open.length = nesting;
      open[nesting] = name;
      suites.set(file, open);
    }
    if (['test:pass', 'test:fail'].includes(type) && data.details?.type !== 'suite') {
      yield `${JSON.stringify({ suite: suites.get(file)?.[0], name, passed: type === 'test:pass' && data.skip === undefined && data.todo === undefined })}\n`;
    }
  }
}
