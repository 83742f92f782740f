# RFC 6120 section 8.3.3.8: a `to` that is no JID
client juliet juliet/balcony
juliet connects
juliet sends
	<message to='@nowhere' id='1'><body>x</body></message>
juliet receives
	<message type='error' id='1'>{error:modify:jid-malformed}</message>
