# RFC 6121 sections 4.4.2 and 4.5.2: presence goes to those whose last presence stanza "received from the
# contact during the user's presence session was not of type 'error'"; another resource's goes on, and a new
# presence session begins anew
client romeo romeo/orchard
client second romeo/bench
client juliet juliet/balcony
romeo comes online
juliet comes online
romeo befriends juliet
second comes online
juliet forgets
romeo forgets
juliet sends
	<presence type='error' to='{romeo}'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>
romeo receives
	<presence type='error' from='{juliet}' to='{romeo}'><any/></presence>
romeo sends
	<presence><show>away</show></presence>
juliet receives nothing
second sends
	<presence><show>dnd</show></presence>
juliet receives
	<presence from='{second}'><show>dnd</show></presence>
romeo sends
	<presence type='unavailable'/>
juliet receives nothing
romeo forgets
second forgets
romeo sends
	<presence><show>chat</show></presence>
juliet receives
	<presence from='{romeo}'><show>chat</show></presence>
romeo forgets
juliet sends
	<presence type='error' to='{romeo.bare}'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>
romeo receives
	<presence type='error' from='{juliet}' to='{romeo.bare}'><any/></presence>
romeo sends
	<presence><show>away</show></presence>
second sends
	<presence><show>away</show></presence>
juliet receives nothing
juliet sends
	<presence><show>xa</show></presence>
juliet receives
	<presence from='{juliet}'><show>xa</show></presence>
romeo sends
	<presence><show>chat</show></presence>
juliet receives
	<presence from='{romeo}'><show>chat</show></presence>
second sends
	<presence/>
juliet receives
	<presence from='{second}'/>
