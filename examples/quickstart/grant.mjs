// The operator's hand: takes a person off the waiting list.   npm run grant -- USER_ID

import sdk from '@authress/sdk';
import { config, requireAccessKey } from './config.mjs';
import { ensureRoles, openerRecord } from './roles.mjs';

const userId = process.argv[2];
if (!userId) {
  console.error('Usage: npm run grant -- USER_ID      (the page shows the user id, with a button that copies it)');
  process.exit(2);
}
requireAccessKey();

const admit = new sdk.AuthressClient({ authressApiUrl: config.admitUrl }, config.accessKey);
const record = openerRecord(userId);
try {
  await ensureRoles(admit);
  await admit.accessRecords.createRecord(record);
  console.log(`Granted. ${userId} may open accounts (record ${record.recordId}).`);
} catch (error) {
  if (error.status === 409) {
    console.log(`${userId} could open accounts already (record ${record.recordId}).`);
  } else {
    console.error('Admit refused:', error.data?.title || error.message || error);
    process.exit(1);
  }
}
