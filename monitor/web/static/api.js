// Requests to the station. What changes something repeats the secret of the session.

let session = { name: '', rights: [], csrf: '', login: false, switches: [] };

export const may = (right) => session.rights.includes(right);
export const current = () => session;
export const use = (given) => {
  session = given;
};

async function call(path, body) {
  const headers = { 'content-type': 'application/json', 'x-ecg-monitor': session.csrf };
  const options = body === undefined ? { cache: 'no-store' } : { method: 'POST', headers, body: JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error('the station does not answer');
  }
  const fields = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(fields.error ?? `refused (${answer.status})`), { status: answer.status });
  return fields;
}

export const whoAmI = () => call('/api/session');
export const login = (token) => call('/api/login', { token });
export const logout = () => call('/api/logout', {});
export const acknowledge = (stream, id = null) => call('/api/request', { command: 'acknowledge', stream, alert_id: id });
export const limits = (stream, set) => call('/api/request', { command: 'limits', stream, ...(set ? { set } : {}) });
export const discharge = (stream) => call('/api/request', { command: 'discharge', stream });
export const trend = (stream) => call(`/api/trend/${encodeURIComponent(stream)}`);
export const strip = (stream, id) => call(`/api/strip/${encodeURIComponent(stream)}/${id}`);
