// The two roles of this example, and the access records that give them to people.
// A role says what may be done; a record says by whom and on which resource.

import { createHash } from 'node:crypto';

export const opener = {
  roleId: 'ro_quickstart_opener', name: 'Account opener', description: 'May open a new account.',
  permissions: [{ action: 'accounts:create', allow: true, grant: false, delegate: false }]
};

export const holder = {
  roleId: 'ro_quickstart_holder', name: 'Account holder', description: 'May read one account and what is below it.',
  permissions: [{ action: 'accounts:read', allow: true, grant: false, delegate: false }]
};

/** Creates both roles; a role that is already there is left as it is. */
export async function ensureRoles(admit) {
  for (const role of [opener, holder]) {
    await admit.roles.createRole(role).catch(error => {
      if (error.status !== 409) { throw error; }
    });
  }
}

/** One record for each person, so that the grant can be taken back by its name alone. */
export function openerRecordId(userId) {
  return `quickstart-opener-${createHash('sha256').update(userId).digest('hex').slice(0, 20)}`;
}

/** The access record that lets a person open accounts. */
export function openerRecord(userId) {
  return {
    recordId: openerRecordId(userId), name: 'Quickstart: off the waiting list', users: [{ userId }],
    statements: [{ roles: [opener.roleId], resources: [{ resourceUri: 'accounts/*' }] }]
  };
}

/** The access record that makes a person the holder of one account. */
export function holderRecord(userId, accountId) {
  return {
    recordId: `quickstart-holder-${accountId}`, name: `Quickstart: holder of ${accountId}`, users: [{ userId }],
    statements: [{ roles: [holder.roleId], resources: [{ resourceUri: `accounts/${accountId}` }] }]
  };
}
