/** Logs to stderr: text on a terminal, JSON lines otherwise. Nothing on the path of a request logs. */
import winston from 'winston';

export type Log = winston.Logger;
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const { combine, timestamp, printf, json } = winston.format;

const text = printf(({ timestamp: time, level, message, ...rest }) => {
  const fields = Object.entries(rest).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return `${String(time).slice(11, 19)} ${level} ${String(message)}${fields.join('')}`;
});

/** @param stream where to; default stderr */
export function createLog(level: LogLevel = 'info', stream: NodeJS.WriteStream = process.stderr): Log {
  return winston.createLogger({
    level,
    format: combine(timestamp(), stream.isTTY ? text : json()),
    transports: [new winston.transports.Stream({ stream })],
  });
}

/** A log that says nothing. */
export const silentLog = (): Log => winston.createLogger({ silent: true });
