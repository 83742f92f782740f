# RFC 6121 section 8.5.1: the account does not exist
client romeo romeo/orchard
romeo comes online
romeo sends
	<message to='{nobody}' type='chat' id='m1'><body>x</body></message>
	<message to='{nobody}' id='m2'><body>x</body></message>
	<message to='{nobody}/there' type='chat' id='m3'><body>x</body></message>
	<message to='{nobody}' type='groupchat' id='m4'><body>x</body></message>
romeo receives in any order
	<message from='{nobody}' type='error' id='m1'>{error:cancel:service-unavailable}</message>
	<message from='{nobody}' type='error' id='m2'>{error:cancel:service-unavailable}</message>
	<message from='{nobody}/there' type='error' id='m3'>{error:cancel:service-unavailable}</message>
	<message from='{nobody}' type='error' id='m4'>{error:cancel:service-unavailable}</message>
romeo sends
	<iq to='{nobody}' type='get' id='q1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>
	<iq to='{nobody}' type='set' id='q2'><query xmlns='urn:example:unknown'/></iq>
	<iq to='{nobody}/there' type='get' id='q3'><ping xmlns='urn:xmpp:ping'/></iq>
romeo receives in any order
	<iq from='{nobody}' type='error' id='q1'>{error:cancel:service-unavailable}</iq>
	<iq from='{nobody}' type='error' id='q2'>{error:cancel:service-unavailable}</iq>
	<iq from='{nobody}/there' type='error' id='q3'>{error:cancel:service-unavailable}</iq>
romeo sends
	<message to='{nobody}' type='headline' id='m5'><body>x</body></message>
	<message to='{nobody}' type='error' id='m6'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
	<iq to='{nobody}' type='result' id='q4'/>
	<iq to='{nobody}' type='error' id='q5'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
	<presence to='{nobody}'/>
	<presence to='{nobody}/there'/>
	<presence to='{nobody}' type='unavailable'/>
	<presence to='{nobody}' type='subscribe'/>
	<presence to='{nobody}' type='subscribed'/>
	<presence to='{nobody}' type='unsubscribe'/>
	<presence to='{nobody}' type='unsubscribed'/>
	<presence to='{nobody}' type='error'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>
romeo receives nothing
# Answered by unsubscribed, which Appendix A.3.4 does not give to a client without subscription.
romeo sends
	<presence to='{nobody}' type='probe'/>
romeo receives nothing
