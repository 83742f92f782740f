# XEP-0133 section 4.12: who is not named does not communicate; what names an entity most closely decides
client admin admin@service.localhost/desk administrator
client romeo romeo@service.localhost/orchard
client juliet juliet/balcony
admin comes online
romeo comes online
juliet comes online
admin sends
	<iq type='set' to='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-whitelist'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-whitelist' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='whitelistjids' type='jid-multi' label='*'></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='2'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-whitelist' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='whitelistjids'><value>friend.example</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='2'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-whitelist' sessionid='{s}' status='completed'></command></iq>
romeo sends
	<message to='x@stranger.example' type='chat' id='1'><body>x</body></message>
romeo receives
	<message type='error' from='x@stranger.example' id='1'>{error:cancel:not-allowed}</message>
# our own are no strangers
juliet sends
	<message to='{romeo.bare}' type='chat' id='2'><body>x</body></message>
romeo receives
	<message from='{juliet}' type='chat' id='2'><body>x</body><any/></message>
# XEP-0016 section 2.1: the bare JID on the whitelist before the domain on the blacklist
admin sends
	<iq type='set' to='service.localhost' id='3'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='3'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='blacklistjids' type='jid-multi' label='*'></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='4'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='blacklistjids'><value>localhost</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='4'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist' sessionid='{s}' status='completed'></command></iq>
juliet sends
	<message to='{romeo.bare}' type='chat' id='5'><body>x</body></message>
juliet receives
	<message type='error' from='{romeo.bare}' id='5'>{error:cancel:not-allowed}</message>
admin sends
	<iq type='set' to='service.localhost' id='6'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-whitelist'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='6'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-whitelist' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='whitelistjids' type='jid-multi' label='*'><value>friend.example</value></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='7'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-whitelist' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='whitelistjids'><value>{juliet.bare}</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='7'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-whitelist' sessionid='{s}' status='completed'></command></iq>
juliet sends
	<message to='{romeo.bare}' type='chat' id='8'><body>x</body></message>
romeo receives
	<message from='{juliet}' type='chat' id='8'><body>x</body><any/></message>
admin sends
	<iq type='set' to='service.localhost' id='9'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='9'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='blacklistjids' type='jid-multi' label='*'><value>localhost</value></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='10'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='10'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist' sessionid='{s}' status='completed'></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='11'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-whitelist'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='11'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-whitelist' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='whitelistjids' type='jid-multi' label='*'><value>{juliet.bare}</value></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='12'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-whitelist' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='12'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-whitelist' sessionid='{s}' status='completed'></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='13'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-whitelist-out'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='13'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-whitelist-out' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='whitelistjids' type='jid-multi' label='*'></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='14'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-whitelist-out' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='whitelistjids'><value>friend.example</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='14'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-whitelist-out' sessionid='{s}' status='completed'></command></iq>
romeo sends
	<message to='x@stranger.example' type='chat' id='15'><body>x</body></message>
romeo receives
	<message type='error' from='x@stranger.example' id='15'>{error:cancel:not-allowed}</message>
admin sends
	<iq type='set' to='service.localhost' id='16'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-whitelist-out'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='16'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-whitelist-out' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='whitelistjids' type='jid-multi' label='*'><value>friend.example</value></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='17'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-whitelist-out' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='17'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-whitelist-out' sessionid='{s}' status='completed'></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='18'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-whitelist-in'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='18'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-whitelist-in' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='whitelistjids' type='jid-multi' label='*'></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='19'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-whitelist-in' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='whitelistjids'><value>friend.example</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='19'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-whitelist-in' sessionid='{s}' status='completed'></command></iq>
juliet sends
	<message to='{romeo.bare}' type='chat' id='20'><body>x</body></message>
romeo receives
	<message from='{juliet}' type='chat' id='20'><body>x</body><any/></message>
admin sends
	<iq type='set' to='service.localhost' id='21'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-whitelist-in'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='21'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-whitelist-in' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='whitelistjids' type='jid-multi' label='*'><value>friend.example</value></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='22'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-whitelist-in' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='22'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-whitelist-in' sessionid='{s}' status='completed'></command></iq>
