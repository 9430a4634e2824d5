import { expect, it } from 'vitest';
import { led, restored } from '../../src/shims/environment.ts';

const users = { PATH: '/bin', npm_config_registry: 'https://mine.example/' };
const changes = { npm_config_registry: 'http://127.0.0.1:1/', npm_config_globalconfig: '/run/config' };

it('an environment that was led can be restored, however deep', () => {
  const once = led(users, changes);
  expect(once).toMatchObject(changes);
  expect(restored(once)).toEqual(users);
  expect(restored(led(restored(once), changes))).toEqual(users);
});

it('an environment that was not led is as it was', () => {
  expect(restored({ PATH: '/bin' })).toEqual({ PATH: '/bin' });
});

it('what somebody has changed since is meant, and stays', () => {
  const theirs = { npm_config_registry: 'https://meant.example/' };
  expect(restored({ ...led(users, changes), ...theirs })).toEqual({ ...users, ...theirs });
  const { npm_config_registry: _, ...without } = led(users, changes);
  expect(restored(without)).toEqual({ PATH: '/bin' });
});

it('names that a shell cannot hold are pointed out for as long as they are led', () => {
  expect(led(users, changes)).not.toHaveProperty('PYRSIA_WAS_OTHERS');
  const once = led(
    { ...users, OTHERS: 'mine' },
    { ...changes, 'npm_config_@acme:registry': 'http://127.0.0.1:2/' },
  );
  expect(once).toHaveProperty('PYRSIA_WAS_OTHERS', '1');
  expect(restored(once)).toEqual({ ...users, OTHERS: 'mine' });
});
