# RFC 6120 section 10.3: without `to`: a message is for the sender's bare JID, presence is broadcast,
# an IQ is answered by the server for the account
client juliet juliet/balcony
client other juliet/other
juliet comes online
other comes online
juliet forgets
juliet sends
	<message id='m' type='chat'><body>note</body></message>
juliet receives
	<message from='{juliet}' to='{juliet.bare}' id='m' type='chat'><body>note</body></message>
other receives
	<message from='{juliet}' to='{juliet.bare}' id='m' type='chat'><body>note</body></message>
juliet sends
	<presence><show>dnd</show></presence>
juliet receives
	<presence from='{juliet}'><show>dnd</show></presence>
other receives
	<presence from='{juliet}'><show>dnd</show></presence>
juliet sends
	<iq type='get' id='1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>
	<iq type='get' id='2'><query xmlns='urn:example:unknown'/></iq>
	<iq type='set' id='3'><query xmlns='urn:example:unknown'/></iq>
	<iq type='result' id='4'/>
	<iq type='error' id='5'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
juliet receives
	<iq type='result' id='1'><query xmlns='http://jabber.org/protocol/disco#info'><identity category='account' type='registered'/><any/></query></iq>
	<iq type='error' id='2'>{error:cancel:service-unavailable}</iq>
	<iq type='error' id='3'>{error:cancel:service-unavailable}</iq>
juliet receives nothing
other receives nothing
