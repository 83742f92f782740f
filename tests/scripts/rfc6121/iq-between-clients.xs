# RFC 6120 section 8.2.3 and RFC 6121 section 8.5.3.1: a request and its result between two clients
client romeo romeo/orchard
client juliet juliet/balcony
romeo comes online
juliet comes online
romeo befriends juliet
romeo sends
	<iq to='{juliet}' type='get' id='v'><query xmlns='jabber:iq:version'/></iq>
juliet receives
	<iq from='{romeo}' to='{juliet}' type='get' id='v'><query xmlns='jabber:iq:version'/></iq>
juliet sends
	<iq to='{romeo}' type='result' id='v'><query xmlns='jabber:iq:version'><name>x</name></query></iq>
romeo receives
	<iq from='{juliet}' to='{romeo}' type='result' id='v'><query xmlns='jabber:iq:version'><name>x</name></query></iq>
