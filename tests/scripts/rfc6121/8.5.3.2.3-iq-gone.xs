# RFC 6121 section 8.5.3.2.3: an IQ request to a resource that is gone is answered
client romeo romeo/orchard
client juliet juliet/balcony
romeo comes online
juliet comes online
romeo sends
	<iq to='{juliet.bare}/gone' type='get' id='q'><ping xmlns='urn:xmpp:ping'/></iq>
romeo receives
	<iq from='{juliet.bare}/gone' type='error' id='q'>{error:cancel:service-unavailable}</iq>
romeo sends
	<iq to='{juliet.bare}/gone' type='result' id='r'/>
romeo receives nothing
juliet receives nothing
