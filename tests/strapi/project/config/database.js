const path = require('path');

module.exports = ({ env }) => {
  const client = env('DATABASE_CLIENT', 'sqlite');
  const server = {
    host: env('DATABASE_HOST'),
    port: env.int('DATABASE_PORT'),
    database: env('DATABASE_NAME'),
    user: env('DATABASE_USERNAME'),
  };
  const mysql = { connection: { ...server, socketPath: env('DATABASE_SOCKET') } };
  const connections = {
    sqlite: {
      connection: { filename: path.join(__dirname, '..', env('DATABASE_FILENAME', '.tmp/data.db')) },
      useNullAsDefault: true,
    },
    postgres: { connection: server },
    mysql,
    mysql2: mysql,
  };
  return { connection: { client, ...connections[client] } };
};
