import { describe, expect, it } from 'vitest';
import { parseEndpoint } from '../../../src/server/endpoint.ts';
import { z85 } from '../../../src/server/zap.ts';

describe('parseEndpoint', () => {
  it.each([
    ['tcp://127.0.0.1:5588', 'tcp://127.0.0.1:5588'],
    ['tcp://127.8.9.10:1', 'tcp://127.8.9.10:1'],
    ['tcp://localhost:5588', 'tcp://127.0.0.1:5588'],
    ['tcp://127.0.0.1:*', 'tcp://127.0.0.1:*'],
    ['tcp://127.0.0.1:0', 'tcp://127.0.0.1:*'],
    ['tcp://[::1]:5588', 'tcp://[::1]:5588'],
    ['ipc:///tmp/x', 'ipc:///tmp/x'],
    ['ipc://@name', 'ipc://@name'],
  ])('keeps %s to local users', (text, address) => {
    expect(parseEndpoint(text)).toMatchObject({ address, local: true });
  });

  it.each([
    'tcp://*:5588',
    'tcp://0.0.0.0:5588',
    'tcp://192.168.1.4:5588',
    'tcp://[::]:5588',
    'tcp://[::ffff:10.0.0.1]:5588',
    'tcp://eth0:5588',
    'tcp://example.org:5588',
    // Names that begin like loopback but need not be.
    'tcp://127.0.0.1.example.org:5588',
    'tcp://localhost.example.org:5588',
  ])('wants keys for %s', (text) => {
    expect(parseEndpoint(text).local).toBe(false);
  });

  it.each([
    '',
    'tcp://',
    'tcp://127.0.0.1',
    'tcp://127.0.0.1:70000',
    'tcp://127.0.0.1:x',
    'udp://127.0.0.1:1',
    'inproc://x',
    'ipc://',
    '5588',
    `ipc:///${'x'.repeat(107)}`,
  ])("refuses '%s'", (text) => {
    expect(() => parseEndpoint(text)).toThrow(/^E_ADDRESS: endpoint '/);
  });

  it('names the file of an ipc socket, and none for an abstract one', () => {
    expect(parseEndpoint('ipc:///tmp/x').path).toBe('/tmp/x');
    expect(parseEndpoint('ipc://@x').path).toBeUndefined();
  });
});

describe('z85', () => {
  it('is that of RFC 32', () => {
    expect(z85(Buffer.from('864fd26fb559f75b', 'hex'))).toBe('HelloWorld');
    expect(z85(Buffer.alloc(4, 0xff))).toBe('%nSc0');
    expect(z85(Buffer.alloc(4))).toBe('00000');
  });
});
