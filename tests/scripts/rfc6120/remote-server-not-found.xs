# RFC 6120 section 10.4.3: no way to that domain
client juliet juliet/balcony
juliet connects
juliet sends
	<message to='romeo@montague.example' id='1'><body>x</body></message>
juliet receives
	<message type='error' id='1' from='romeo@montague.example'>{error:cancel:remote-server-not-found}</message>
