import { check, host } from './host.js';

export function send(request) {
  check('http');
  host.requests.push(request);
  const { status, headers = [], body } = host.http(request);
  return { status, headers, body: new TextEncoder().encode(body === undefined ? '' : JSON.stringify(body)) };
}
