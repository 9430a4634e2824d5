import { commands } from '@oclif/plugin-help';

/** oclif's own help command, as one of ours: what ships has no plugins to look for. */
export default commands.help;
