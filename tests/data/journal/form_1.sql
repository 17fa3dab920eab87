BEGIN TRANSACTION;
CREATE TABLE entries (
	stream TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	at DOUBLE NOT NULL, 
	command_id TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	command TEXT NOT NULL, 
	events TEXT NOT NULL, 
	reply TEXT NOT NULL, 
	PRIMARY KEY (stream, seq)
);
INSERT INTO "entries" VALUES('BudgetLedger/guild-1',1,1767225590.25,'command-1',1,'{"type":"Reserve","reservation_id":"first é€𝄞","asked":{"cost_usd":"2.10","tokens":1000},"ttl_s":60.0,"limits":{"request":{"cost_usd":"2.5"},"day":{"cost_usd":"5.000000000001","tokens":10000},"month":{"tokens":50000}}}','[{"type":"Reserved","reservation_id":"first é€𝄞","amount":{"cost_usd":"2.10","tokens":1000},"at":1767225590.25,"expires_at":1767225650.25}]','{"type":"Reserved","reservation_id":"first é€𝄞","amount":{"cost_usd":"2.10","tokens":1000},"at":1767225590.25,"expires_at":1767225650.25}');
INSERT INTO "entries" VALUES('BudgetLedger/guild-1',2,1767225590.75,'command-2',1,'{"type":"Reserve","reservation_id":"second","asked":{"cost_usd":"1E-12","tokens":7},"ttl_s":1.0,"limits":{"request":{"cost_usd":"2.5"},"day":{"cost_usd":"5.000000000001","tokens":10000},"month":{"tokens":50000}}}','[{"type":"Reserved","reservation_id":"second","amount":{"cost_usd":"1E-12","tokens":7},"at":1767225590.75,"expires_at":1767225591.75}]','{"type":"Reserved","reservation_id":"second","amount":{"cost_usd":"1E-12","tokens":7},"at":1767225590.75,"expires_at":1767225591.75}');
INSERT INTO "entries" VALUES('BudgetLedger/guild-1',3,1767225590.875,'command-3',1,'{"type":"Settle","reservation_id":"first é€𝄞","spent":{"cost_usd":"2.3","tokens":1200}}','[{"type":"Settled","reservation_id":"first é€𝄞","spent":{"cost_usd":"2.3","tokens":1200},"at":1767225590.875,"overrun":{"cost_usd":"0.20","tokens":200}}]','{"type":"Settled","reservation_id":"first é€𝄞","spent":{"cost_usd":"2.3","tokens":1200},"at":1767225590.875,"overrun":{"cost_usd":"0.20","tokens":200}}');
INSERT INTO "entries" VALUES('BudgetLedger/guild-1',4,1767225593.875,'command-5',1,'{"type":"Settle","reservation_id":"second","spent":{}}','[{"type":"Expired","reservation_id":"second","at":1767225591.75},{"type":"Settled","reservation_id":"second","spent":{},"at":1767225593.875,"late":true}]','{"type":"Settled","reservation_id":"second","spent":{},"at":1767225593.875,"late":true}');
INSERT INTO "entries" VALUES('BudgetLedger/guild-1',5,1767225603.875,'command-6',1,'{"type":"Reserve","reservation_id":"of the new year","asked":{"cost_usd":"2.10","tokens":1000},"ttl_s":30.0,"limits":{"request":{"cost_usd":"2.5"},"day":{"cost_usd":"5.000000000001","tokens":10000},"month":{"tokens":50000}}}','[{"type":"Reserved","reservation_id":"of the new year","amount":{"cost_usd":"2.10","tokens":1000},"at":1767225603.875,"expires_at":1767225633.875}]','{"type":"Reserved","reservation_id":"of the new year","amount":{"cost_usd":"2.10","tokens":1000},"at":1767225603.875,"expires_at":1767225633.875}');
INSERT INTO "entries" VALUES('BudgetLedger/guild-1',6,1767225603.875,'command-7',1,'{"type":"Reserve","reservation_id":"watched only","asked":{"cost_usd":"2.10","tokens":1000},"ttl_s":30.0,"limits":{"request":{"cost_usd":"2.5"},"day":{"cost_usd":"5.000000000001","tokens":10000},"month":{"tokens":50000}},"enforce":false}','[{"type":"Reserved","reservation_id":"watched only","amount":{"cost_usd":"2.10","tokens":1000},"at":1767225603.875,"expires_at":1767225633.875}]','{"type":"Reserved","reservation_id":"watched only","amount":{"cost_usd":"2.10","tokens":1000},"at":1767225603.875,"expires_at":1767225633.875}');
INSERT INTO "entries" VALUES('BudgetLedger/guild-1',7,1767225604.25,'command-8',1,'{"type":"Release","reservation_id":"of the new year"}','[{"type":"Released","reservation_id":"of the new year","at":1767225604.25}]','{"type":"Released","reservation_id":"of the new year","at":1767225604.25}');
INSERT INTO "entries" VALUES('BudgetLedger/guild-1',8,1767225604.25,'command-10',1,'{"type":"SetLimits","limits":{"day":{"cost_usd":"0.1","tokens":900}}}','[{"type":"LimitsSet","limits":{"day":{"cost_usd":"0.1","tokens":900}},"at":1767225604.25}]','{"type":"LimitsSet","limits":{"day":{"cost_usd":"0.1","tokens":900}},"at":1767225604.25}');
INSERT INTO "entries" VALUES('BudgetLedger/guild-1',9,1767312004.125,'command-11',1,'{"type":"Reserve","reservation_id":"of the next day","asked":{"cost_usd":"0.01","tokens":900},"ttl_s":86400.0,"limits":{"request":{"cost_usd":"2.5"},"day":{"cost_usd":"5.000000000001","tokens":10000},"month":{"tokens":50000}}}','[{"type":"Expired","reservation_id":"watched only","at":1767225633.875},{"type":"Reserved","reservation_id":"of the next day","amount":{"cost_usd":"0.01","tokens":900},"at":1767312004.125,"expires_at":1767398404.125}]','{"type":"Reserved","reservation_id":"of the next day","amount":{"cost_usd":"0.01","tokens":900},"at":1767312004.125,"expires_at":1767398404.125}');
INSERT INTO "entries" VALUES('BudgetLedger/guild-1',10,1767312004.125,'command-12',1,'{"type":"Settle","reservation_id":"watched only","spent":{"cost_usd":"2.10","tokens":1000}}','[{"type":"Settled","reservation_id":"watched only","spent":{"cost_usd":"2.10","tokens":1000},"at":1767312004.125,"late":true}]','{"type":"Settled","reservation_id":"watched only","spent":{"cost_usd":"2.10","tokens":1000},"at":1767312004.125,"late":true}');
INSERT INTO "entries" VALUES('BudgetLedger/guild-1',11,1767402004.125,'command-13',1,'{"type":"SetLimits","limits":null}','[{"type":"Expired","reservation_id":"of the next day","at":1767398404.125},{"type":"LimitsSet","limits":null,"at":1767402004.125}]','{"type":"LimitsSet","limits":null,"at":1767402004.125}');
INSERT INTO "entries" VALUES('BudgetLedger/guild-2',1,1767225600.25,'command-1',1,'{"type":"Reserve","reservation_id":"of the new year","asked":{"cost_usd":"2.10","tokens":1000},"ttl_s":30.0,"limits":{"request":{"cost_usd":"2.5"},"day":{"cost_usd":"5.000000000001","tokens":10000},"month":{"tokens":50000}}}','[{"type":"Reserved","reservation_id":"of the new year","amount":{"cost_usd":"2.10","tokens":1000},"at":1767225600.25,"expires_at":1767225630.25}]','{"type":"Reserved","reservation_id":"of the new year","amount":{"cost_usd":"2.10","tokens":1000},"at":1767225600.25,"expires_at":1767225630.25}');
INSERT INTO "entries" VALUES('BudgetLedger/guild-2',2,1767225600.25,'command-2',1,'{"type":"Reserve","reservation_id":"watched only","asked":{"cost_usd":"2.10","tokens":1000},"ttl_s":30.0,"limits":{"request":{"cost_usd":"2.5"},"day":{"cost_usd":"5.000000000001","tokens":10000},"month":{"tokens":50000}},"enforce":false}','[{"type":"Reserved","reservation_id":"watched only","amount":{"cost_usd":"2.10","tokens":1000},"at":1767225600.25,"expires_at":1767225630.25}]','{"type":"Reserved","reservation_id":"watched only","amount":{"cost_usd":"2.10","tokens":1000},"at":1767225600.25,"expires_at":1767225630.25}');
INSERT INTO "entries" VALUES('RateLimiter/tenant:guild-1',1,1767225590.25,'command-1',1,'{"type":"Take","limits":{"total":{"per_s":0.1,"burst":20.0},"user":{"per_s":0.3333333333333333,"burst":5.0}},"user":"ada","cost":2.5}','[{"type":"Taken","at":1767225590.25,"buckets":{"ada":{"missing":2.5,"at":1767225590.25},"":{"missing":2.5,"at":1767225590.25}},"spent":2.5,"user":"ada"}]','{"type":"Granted","left":2.5,"burst":5.0}');
INSERT INTO "entries" VALUES('RateLimiter/tenant:guild-1',2,1767225590.375,'command-2',1,'{"type":"Take","limits":{"total":{"per_s":0.1,"burst":20.0},"user":{"per_s":0.3333333333333333,"burst":5.0}},"user":"bob"}','[{"type":"Taken","at":1767225590.375,"buckets":{"bob":{"missing":1.0,"at":1767225590.375},"":{"missing":3.4875,"at":1767225590.375}},"spent":1.0,"user":"bob"}]','{"type":"Granted","left":4.0,"burst":5.0}');
INSERT INTO "entries" VALUES('RateLimiter/tenant:guild-1',3,1767225591.25,'command-4',1,'{"type":"Lease","limits":{"total":{"per_s":0.1,"burst":20.0},"user":{"per_s":0.3333333333333333,"burst":5.0}},"user":"ada","tokens":3.0,"at_least":1.0,"ttl_s":10.0}','[{"type":"Lent","at":1767225591.25,"buckets":{"ada":{"missing":4.166666666666666,"at":1767225591.25},"":{"missing":5.4,"at":1767225591.25}},"spent":0.0,"lease":{"lease_id":1,"user":"ada","granted":2.0,"used":0.0,"expires_at":1767225601.25}}]','{"type":"Leased","lease_id":1,"granted":2.0,"ttl_s":10.0,"burst":5.0}');
INSERT INTO "entries" VALUES('RateLimiter/tenant:guild-1',4,1767225595.25,'command-5',1,'{"type":"Lease","limits":{"total":{"per_s":0.1,"burst":20.0},"user":{"per_s":0.3333333333333333,"burst":5.0}},"user":"ada","tokens":3.0,"at_least":1.0,"ttl_s":10.0,"renews":1,"used":1.5}','[{"type":"Lent","at":1767225595.25,"buckets":{"ada":{"missing":4.833333333333333,"at":1767225595.25},"":{"missing":7.0,"at":1767225595.25}},"full":["bob"],"spent":1.5,"lease":{"lease_id":1,"user":"ada","granted":4.0,"used":1.5,"expires_at":1767225605.25}}]','{"type":"Leased","lease_id":1,"granted":4.0,"ttl_s":10.0,"burst":5.0}');
INSERT INTO "entries" VALUES('RateLimiter/tenant:guild-1',5,1767225595.5,'command-6',1,'{"type":"Lease","limits":{"total":{"per_s":0.1,"burst":20.0},"user":{"per_s":0.3333333333333333,"burst":5.0}},"user":"é€𝄞","tokens":4.0,"at_least":4.0,"ttl_s":5.0}','[{"type":"Lent","at":1767225595.5,"buckets":{"é€𝄞":{"missing":4.0,"at":1767225595.5},"":{"missing":10.975,"at":1767225595.5}},"spent":0.0,"lease":{"lease_id":2,"user":"é€𝄞","granted":4.0,"used":0.0,"expires_at":1767225600.5}}]','{"type":"Leased","lease_id":2,"granted":4.0,"ttl_s":5.0,"burst":5.0}');
INSERT INTO "entries" VALUES('RateLimiter/tenant:guild-1',6,1767225596.5,'command-7',1,'{"type":"Settle","limits":{"total":{"per_s":0.1,"burst":20.0},"user":{"per_s":0.3333333333333333,"burst":5.0}},"lease_id":1,"used":2.0}','[{"type":"Settled","at":1767225596.5,"buckets":{"ada":{"missing":2.416666666666666,"at":1767225596.5},"":{"missing":8.875,"at":1767225596.5}},"spent":0.5,"ended":[1],"lease_id":1}]','{"type":"Returned","tokens":2.0}');
INSERT INTO "entries" VALUES('RateLimiter/tenant:guild-1',7,1767225656.5,'command-9',1,'{"type":"Take","limits":{"total":{"per_s":0.1,"burst":20.0},"user":{"per_s":0.3333333333333333,"burst":5.0}},"cost":0.1}','[{"type":"Taken","at":1767225656.5,"buckets":{"":{"missing":2.974999999999999,"at":1767225656.5}},"full":["é€𝄞","ada"],"spent":4.1,"ended":[2]}]','{"type":"Granted","left":17.025,"burst":20.0}');
INSERT INTO "entries" VALUES('RateLimiter/tenant:guild-1',8,1767225656.5,'command-10',1,'{"type":"SetLimits","limits":{"total":{"per_s":5.0,"burst":5.0}}}','[{"type":"LimitsSet","limits":{"total":{"per_s":5.0,"burst":5.0}}}]','{"type":"LimitsKept","limits":{"total":{"per_s":5.0,"burst":5.0}}}');
INSERT INTO "entries" VALUES('RateLimiter/tenant:guild-1',9,1767225656.5625,'command-12',1,'{"type":"SetLimits"}','[{"type":"LimitsSet"}]','{"type":"LimitsKept"}');
INSERT INTO "entries" VALUES('RateLimiter/tenant:guild-1',10,1767229256.5625,'command-13',1,'{"type":"Take","limits":{"total":{"per_s":0.1,"burst":20.0},"user":{"per_s":0.3333333333333333,"burst":5.0}},"user":"bob","cost":1e-9}','[{"type":"Taken","at":1767229256.5625,"buckets":{"bob":{"missing":1e-9,"at":1767229256.5625},"":{"missing":1e-9,"at":1767229256.5625}},"spent":1e-9,"user":"bob"}]','{"type":"Granted","left":4.999999999,"burst":5.0}');
INSERT INTO "entries" VALUES('RateLimiter/host:example.org',1,1767225590.25,'command-1',1,'{"type":"Take","limits":{"total":{"per_s":0.1,"burst":20.0},"user":{"per_s":0.3333333333333333,"burst":5.0}},"user":"ada","cost":2.5}','[{"type":"Taken","at":1767225590.25,"buckets":{"ada":{"missing":2.5,"at":1767225590.25},"":{"missing":2.5,"at":1767225590.25}},"spent":2.5,"user":"ada"}]','{"type":"Granted","left":2.5,"burst":5.0}');
INSERT INTO "entries" VALUES('RateLimiter/host:example.org',2,1767225590.375,'command-2',1,'{"type":"Take","limits":{"total":{"per_s":0.1,"burst":20.0},"user":{"per_s":0.3333333333333333,"burst":5.0}},"user":"bob"}','[{"type":"Taken","at":1767225590.375,"buckets":{"bob":{"missing":1.0,"at":1767225590.375},"":{"missing":3.4875,"at":1767225590.375}},"spent":1.0,"user":"bob"}]','{"type":"Granted","left":4.0,"burst":5.0}');
INSERT INTO "entries" VALUES('ActivityLog/guild-1',1,1767225590.25,'command-1',1,'','[{"type":"Logged","at":1767225590.25,"counts":{"answer":1,"tool_use":1},"default_days":30,"prune_at":1767311990.25}]','{"type":"Noted","counts":{"answer":1,"tool_use":1}}');
INSERT INTO "entries" VALUES('ActivityLog/guild-1',2,1767225591.25,'command-2',1,'','[{"type":"Logged","at":1767225591.25,"counts":{"answer":1,"feedback":1},"default_days":30,"prune_at":1767311990.25}]','{"type":"Noted","counts":{"answer":1,"feedback":1}}');
INSERT INTO "entries" VALUES('ActivityLog/guild-1',3,1767311991.25,'command-3',1,'','[{"type":"Pruned","prune_at":1767398391.25}]','{"type":"Retention","days":30}');
INSERT INTO "entries" VALUES('ActivityLog/guild-1',4,1767311991.25,'command-4',1,'','[{"type":"Logged","at":1767311991.25,"counts":{"feedback":1},"default_days":60,"prune_at":1767398391.25}]','{"type":"Noted","counts":{"feedback":1}}');
INSERT INTO "entries" VALUES('ActivityLog/guild-1',5,1767311996.25,'command-5',1,'','[{"type":"Erased","counts":{"answer":1,"tool_use":1},"reason":"user"}]','{"type":"Forgotten","counts":{"answer":1,"tool_use":1}}');
INSERT INTO "entries" VALUES('ActivityLog/guild-1',6,1767311996.25,'command-6',1,'','[{"type":"RetentionSet","days":1}]','{"type":"Retention","days":1}');
INSERT INTO "entries" VALUES('ActivityLog/guild-1',7,1767411996.25,'command-7',1,'','[{"type":"Pruned","prune_at":0.0}]','{"type":"Retention","days":1}');
INSERT INTO "entries" VALUES('ActivityLog/guild-1',8,1767411996.25,'command-8',1,'','[{"type":"RetentionSet","days":0}]','{"type":"Retention","days":60}');
INSERT INTO "entries" VALUES('ActivityLog/guild-1',9,1767411997.25,'command-9',1,'','[{"type":"Logged","at":1767411997.25,"counts":{"tool_use":1},"default_days":30,"prune_at":1767498397.25}]','{"type":"Noted","counts":{"tool_use":1}}');
INSERT INTO "entries" VALUES('ActivityLog/guild 2/é€𝄞',1,1767225590.25,'command-1',1,'','[{"type":"Logged","at":1767225590.25,"counts":{"answer":1,"tool_use":1},"default_days":30,"prune_at":1767311990.25}]','{"type":"Noted","counts":{"answer":1,"tool_use":1}}');
INSERT INTO "entries" VALUES('ActivityLog/guild 2/é€𝄞',2,1767225591.25,'command-2',1,'','[{"type":"Logged","at":1767225591.25,"counts":{"answer":1,"feedback":1},"default_days":30,"prune_at":1767311990.25}]','{"type":"Noted","counts":{"answer":1,"feedback":1}}');
CREATE TABLE journal_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT journal_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "journal_version" VALUES('0002');
CREATE TABLE outbox (
	stream TEXT NOT NULL, 
	effect_id TEXT NOT NULL, 
	target TEXT NOT NULL, 
	body TEXT NOT NULL, 
	due_at DOUBLE NOT NULL, kind TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (stream, effect_id)
);
INSERT INTO "outbox" VALUES('ActivityLog/guild-1','retention','self','{"type":"Prune"}',1767498397.25,'ActivityLog');
INSERT INTO "outbox" VALUES('ActivityLog/guild 2/é€𝄞','retention','self','{"type":"Prune"}',1767311990.25,'ActivityLog');
CREATE TABLE owners (
	shard TEXT NOT NULL, 
	incarnation TEXT NOT NULL, 
	PRIMARY KEY (shard)
);
INSERT INTO "owners" VALUES('Counter-0','one');
CREATE TABLE placements (
	kind TEXT NOT NULL, 
	shards INTEGER NOT NULL, 
	epoch BIGINT NOT NULL, 
	PRIMARY KEY (kind)
);
INSERT INTO "placements" VALUES('BudgetLedger',4,1);
INSERT INTO "placements" VALUES('RateLimiter',4,1);
INSERT INTO "placements" VALUES('ActivityLog',4,1);
CREATE TABLE records (
	stream TEXT NOT NULL, 
	record_id TEXT NOT NULL, 
	at DOUBLE NOT NULL, 
	kind TEXT NOT NULL, 
	user TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (stream, record_id)
);
INSERT INTO "records" VALUES('ActivityLog/guild-1','tool_use/1/1',1767411997.25,'tool_use','ada','garden','{"type":"ToolUse","answer_id":"1","workspace":"garden","user":"ada","number":1,"agent":"analyst","tool":"search","ok":false,"wall_ms":0.3}');
INSERT INTO "records" VALUES('ActivityLog/guild 2/é€𝄞','answer/1',1767225591.25,'answer','ada','garden','{"type":"AnswerActivity","answer_id":"1","workspace":"garden","user":"ada","supported":true,"receipt":{"model":"model","prompt_tokens":10,"completion_tokens":20,"cost_usd":0.30000000000000004,"tokens_untrimmed":0,"tokens_trimmed":0,"passages_searched":0,"quotes_dropped":0,"degraded":"","stages":[{"stage":"embed","wall_ms":1.5}]}}');
INSERT INTO "records" VALUES('ActivityLog/guild 2/é€𝄞','tool_use/1/1',1767225590.25,'tool_use','ada','garden','{"type":"ToolUse","answer_id":"1","workspace":"garden","user":"ada","number":1,"agent":"analyst","tool":"search","ok":false,"wall_ms":0.3}');
INSERT INTO "records" VALUES('ActivityLog/guild 2/é€𝄞','feedback/1/15b0da4321160527',1767225591.25,'feedback','ada','garden','{"type":"Feedback","answer_id":"1","workspace":"garden","user":"ada","vote":-1,"note":"  no\n"}');
CREATE TABLE snapshots (
	stream TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	at DOUBLE NOT NULL, 
	version INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (stream, seq)
);
INSERT INTO "snapshots" VALUES('BudgetLedger/guild-1',7,1767225604.25,1,'{"day":{"since":1767225600.0},"month":{"since":1767225600.0},"held":[{"type":"Reserved","reservation_id":"watched only","amount":{"cost_usd":"2.10","tokens":1000},"at":1767225603.875,"expires_at":1767225633.875}]}');
INSERT INTO "snapshots" VALUES('RateLimiter/tenant:guild-1',7,1767225656.5,1,'{"buckets":{"":{"missing":2.974999999999999,"at":1767225656.5}},"last_lease":2,"spent":9.6}');
INSERT INTO "snapshots" VALUES('ActivityLog/guild-1',7,1767411996.25,1,'{"chosen_days":1,"default_days":60,"newest_at":1767311991.25,"prune_at":0.0,"logged":{"answer":2,"tool_use":1,"feedback":2},"erased":{"answer":1,"tool_use":1}}');
CREATE INDEX records_at ON records (stream, at);
CREATE INDEX snapshots_at ON snapshots (at, stream, seq);
CREATE INDEX outbox_due ON outbox (kind, due_at);
COMMIT;
