# RFC 6121 section 4.7.2.3: a priority is an integer from -128 to 127
client juliet juliet/balcony
juliet connects
juliet sends
	<presence id='p'><priority>128</priority></presence>
juliet receives
	<presence type='error' id='p'>{error:modify:bad-request}</presence>
juliet sends
	<presence><priority>127</priority></presence>
juliet receives
	<presence from='{juliet}'><priority>127</priority></presence>
