// Takes the grant back. The person's token stays valid, and the very next check says no.   npm run revoke -- USER_ID

import sdk from '@authress/sdk';
import { config, requireAccessKey } from './config.mjs';
import { openerRecordId } from './roles.mjs';

const userId = process.argv[2];
if (!userId) {
  console.error('Usage: npm run revoke -- USER_ID');
  process.exit(2);
}
requireAccessKey();

const admit = new sdk.AuthressClient({ authressApiUrl: config.admitUrl }, config.accessKey);
try {
  await admit.accessRecords.deleteRecord(openerRecordId(userId));
  console.log(`Revoked. ${userId} is back on the waiting list.`);
} catch (error) {
  if (error.status === 404) {
    console.log(`${userId} held no grant.`);
  } else {
    console.error('Admit refused:', error.data?.title || error.message || error);
    process.exit(1);
  }
}
