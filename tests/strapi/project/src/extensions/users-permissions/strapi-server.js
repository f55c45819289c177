// A user belongs to a crew member: an attribute that stands in no schema.json of this project.
module.exports = (plugin) => {
  plugin.contentTypes.user.schema.attributes.crewMember = {
    type: 'relation',
    relation: 'oneToOne',
    target: 'api::crew-member.crew-member',
    inversedBy: 'account',
  };
  return plugin;
};
