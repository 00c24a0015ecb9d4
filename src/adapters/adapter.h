/*
 * adapter.h - what an adapter is.
 *
 * In:   a relation (relation/relation.h) that its own can_push has agreed to, node by node
 * Out:  rows in a batch builder (arrow/column.h)
 * Next: source/ runs it in the process instant-source; fdw/ and config/ know its declaration only
 *
 * An adapter has two halves. Its *declaration* (files declare*.c of its folder) is tables and pure
 * functions that need no library and talk to nobody: it is linked into the PostgreSQL extension,
 * the configuration and the documentation too (so: memory of base/memory.h or the given arena
 * only). Its *work* (all other files) runs in instant-source, where it may block, in any thread.
 *
 * A call that is left out (NULL) means "this source cannot", and PostgreSQL does that part itself.
 */
#ifndef IDC_ADAPTERS_ADAPTER_H
#define IDC_ADAPTERS_ADAPTER_H

#include "arrow/column.h"
#include "base/arena.h"
#include "base/call.h"
#include "base/log.h"
#include "relation/bucket.h"
#include "relation/message.h"
#include "relation/relation.h"

/* ---- options ---- */

/* Where an option may stand; a bit each. */
typedef enum IdcOptionLevel {
    IDC_OPTION_SERVER = 1,
    IDC_OPTION_USER = 2, /* the user mapping; the only place for secrets */
    IDC_OPTION_TABLE = 4,
    IDC_OPTION_COLUMN = 8,
    IDC_OPTION_IMPORT = 16 /* IMPORT FOREIGN SCHEMA … OPTIONS */
} IdcOptionLevel;

typedef enum IdcOptionType {
    IDC_OPTION_TEXT,
    IDC_OPTION_BOOL,     /* true, false, on, off, … */
    IDC_OPTION_INTEGER,  /* min to max */
    IDC_OPTION_NUMBER,   /* a decimal number >= 0 */
    IDC_OPTION_WORD,     /* one of words */
    IDC_OPTION_DURATION, /* milliseconds, or with a unit: 500ms, 10s, 5min, 1h */
    IDC_OPTION_SIZE,     /* bytes, or with a unit: 64kB, 16MB, 1GB */
    IDC_OPTION_URL,      /* http or https, absolute, without user and password in it */
    IDC_OPTION_JSON      /* a JSON document */
} IdcOptionType;

typedef struct IdcAdapterOption {
    const char *name;
    unsigned levels; /* of IdcOptionLevel */
    IdcOptionType type;
    bool is_required;
    bool is_secret;       /* never printed; USER only. Its value may be a reference: "env:NAME",
                             "file:PATH" */
    bool is_local;        /* touches this machine (a path, a private address): superusers only */
    const char *fallback; /* what holds where it is not given, or NULL */
    int64_t min, max;     /* INTEGER; DURATION in ms; SIZE in bytes; max 0: no limit */
    const char *const *words; /* WORD: ends with NULL */
    const char *help;         /* a sentence, lower case, no full stop */
} IdcAdapterOption;

/* ---- what can be pushed ---- */

typedef enum IdcPush {
    IDC_PUSH_NO,       /* the hub does it */
    IDC_PUSH_SUPERSET, /* a FILTER: rows that pass are all there, maybe others too: the hub checks
                          again */
    IDC_PUSH_EXACT     /* the answer is the one that PostgreSQL would give on the same rows */
} IdcPush;

typedef struct IdcPushQuestion {
    const IdcOptionSet *server_options;
    /*
     * The candidate is the topmost node; everything below it was agreed to before. A FILTER has one
     * conjunct, which may hold PARAMETERs; it stands on a SCAN, JOIN, FILTER or AGGREGATE. Others
     * see all filters that were agreed to below them.
     */
    const IdcRelation *relation;
    bool is_exact_below; /* no FILTER below is a SUPERSET: true for every kind but FILTER and
                            PROJECT */
} IdcPushQuestion;

/* Rows and costs in PostgreSQL's units (seq_page_cost 1). */
typedef struct IdcEstimate {
    double rows;
    double startup_cost, total_cost;
    const char
        *impossible; /* or why this relation cannot be asked for, as it is: a required parameter
                        has no predicate. In the arena or static; the planner avoids it */
} IdcEstimate;

typedef struct IdcEstimateQuestion {
    const IdcOptionSet *server_options;
    const IdcRelation *relation;
    double table_rows;  /* of the base table by ANALYZE; -1: never analysed */
    double selectivity; /* of all pushed filters, as the planner estimates it */
    double rows;        /* that come out, as the planner estimates them; -1: it does not */
} IdcEstimateQuestion;

typedef struct IdcDeclaration {
    const char *name;                /* also of the wrapper: instant_NAME */
    const char *title;               /* "REST APIs" */
    const IdcAdapterOption *options; /* ends with a name of NULL */
    /* Beyond single options: what must come together. level: one; options: all at that level. */
    IdcStatus (*check)(IdcOptionLevel level, const IdcOptionSet *options, IdcError *err);
    /* *why (static or NULL): for EXPLAIN, why not, or why not exactly. */
    IdcPush (*can_push)(const IdcPushQuestion *question, const char **why);
    void (*estimate)(const IdcEstimateQuestion *question, IdcArena *arena, IdcEstimate *estimate);
    /* For ANALYZE. A native request whose one row and column is the source's own estimate of a
     * SCAN's rows, or NULL: it has none (a view). In the arena; NULL: no memory. */
    const char *(*count_request)(const IdcOptionSet *server_options, const IdcRelation *scan,
                                 IdcArena *arena);
    /* The same for a random sample of the SCAN's rows and columns, each row with the same chance;
     * only of what has such an estimate. NULL: the whole table is read. */
    const char *(*sample_request)(const IdcOptionSet *server_options, const IdcRelation *scan,
                                  double fraction, IdcArena *arena);
    /* How many keys one request takes for `conjunct` (an IN of a list PARAMETER, or an equality);
     * 1: one request each; 0: any number. Asked only of conjuncts that can be pushed. */
    int64_t (*key_batch)(const IdcPushQuestion *question, const IdcExpr *conjunct);
    /* The remote request as text, a line each, without secrets. Parameters as $1, $2 … */
    void (*explain)(const IdcOptionSet *server_options, const IdcRelation *relation, IdcText *text);
    /* Bits 1 << IdcModifyKind that this table's options allow. *key: the column that names a row
     * for UPDATE and DELETE (option of a column, or of the table), by position in `table`'s
     * columns. */
    unsigned (*writes)(const IdcOptionSet *server_options, const IdcRelation *table);
    /* UPDATE_WHERE and DELETE_WHERE (message.h): true if the source's answer is the one that
     * PostgreSQL would give: conversions to the columns' types included. The FILTERs were agreed
     * to, the new values were not looked at; a column's value is of the type of the column but for
     * its modifier. Also asked of an INSERT whose conflict is not ERROR. NULL: never. */
    bool (*can_modify)(const IdcOptionSet *server_options, const IdcModify *modify,
                       const char **why);
    /* The remote statement of a modify as text (rows: as for one row), without secrets; NULL: the
     * hub says it in words. */
    void (*explain_modify)(const IdcOptionSet *server_options, const IdcModify *modify,
                           IdcText *text);
    /* Bits 1 << IdcModifyKind: kinds whose rows can come back (`returning`) as the source has them.
     * For others the hub gives what was sent. NULL: none. */
    unsigned (*returns)(const IdcOptionSet *server_options, const IdcRelation *table);
    /* Scans and writes of a transaction of the hub are one of the source: they carry it
     * (IdcSourceScan.transaction), and COMMIT and ROLLBACK are sent. */
    bool has_transactions;
    /* Tables have one more column, "ctid" of type tid, which names a row where no other does. */
    bool has_ctid;
    /* True for a column that is part of the key of UPDATE and DELETE. */
    bool (*is_key)(const IdcRelation *table, size_t column);
    /* Scans lock what they read (IdcRelation.lock), for their transaction. */
    bool has_locks;
    /* So does what finds the rows of an UPDATE or DELETE: a row of the transaction's snapshot may
     * have changed since, and the source would not notice. */
    bool locks_for_writes;
    /* It is PostgreSQL, and can_push is asked for what only that knows (idc_relation_has_calls). */
    bool has_calls;
    /* Several of one server may be read at once without more requests than one by one would need.
     */
    bool is_async;
} IdcDeclaration;

/* ---- the work ---- */

/* A server of the hub, in this process. Options are resolved: secrets are there in plain. */
typedef struct IdcSourceServer {
    const char *name;
    IdcOptionSet options, user_options;
    const char *cache_directory; /* or NULL */
    IdcBucket *bucket;           /* NULL: no rate limit. Ask before each request */
    int shared_fd;               /* a file of all processes of this server, for common/links.h; -1:
                                    none */
    bool may_use_local;
    const IdcLog *log;
    IdcArena *arena; /* lives as long as the process; only for connect() */
    void *state;     /* what connect() made; scans of several threads share it */
} IdcSourceServer;

/* One request of the hub, in a thread of its own. */
typedef struct IdcSourceScan {
    const IdcSourceServer *server;
    const IdcRelation *relation; /* bound: no PARAMETERs in it */
    IdcTransaction transaction;  /* id 0: none (always so without has_transactions) */
    IdcArena *arena;             /* of this scan: what open() makes lives here */
    IdcCall *call;               /* waits are idc_call_wait, or watch idc_call_fd too */
    IdcScanStats stats;          /* the adapter counts, except rows */
    void *state;                 /* what open() made */
    /* open() sets it: all rows are read before the first is sent, and then the arena is freed, so
     * that nothing of the source is occupied while the hub takes them. */
    bool must_spool;
    /* From another thread, as long as the arena lives: the same of all rows that are left. NULL:
     * nobody waits between two batches. */
    void (*press)(void *presser);
    void *presser;
} IdcSourceScan;

typedef struct IdcAdapter {
    const IdcDeclaration *declaration;
    /*
     * Numerics are appended as PostgreSQL's binary values only (idc_batch_append and the like): so
     * a column of the kind NUMERIC_DECIMAL may be one of NUMERIC_FLOAT64 where the hub wants
     * doubles.
     */
    bool has_binary_numerics;
    /* Once a process, before anything else. Talks to nobody yet, or at least need not. */
    IdcStatus (*connect)(IdcSourceServer *server, IdcError *err);
    void (*disconnect)(IdcSourceServer *server);
    /* What open() acquires is handed to scan->arena (idc_arena_on_free), so there is no close(). */
    IdcStatus (*open)(IdcSourceScan *scan, IdcError *err);
    /*
     * Append rows to the builder (one column for each of relation->columns, of the kind that
     * idc_type_column says) until it is full; *is_end: there are no more. May return with fewer
     * rows, even none, when a row is there and the next would be waited for.
     */
    IdcStatus (*next)(IdcSourceScan *scan, IdcBatchBuilder *builder, bool *is_end, IdcError *err);
    IdcStatus (*import)(IdcSourceScan *scan, const IdcImport *import,
                        const IdcImportedTable **tables, size_t *count, IdcError *err);
    /* stats.rows: how many rows changed. All rows, or an error that says how many were written.
     * modified: rows of `returning`, of scan->arena. `where` is bound: no PARAMETERs in it. */
    IdcStatus (*modify)(IdcSourceScan *scan, const IdcModify *modify, IdcModified *modified,
                        IdcError *err);
    /* COMMIT or ROLLBACK. An id that the adapter has not seen: nothing to do. A ROLLBACK must be
     * quick (the hub waits 100 ms) and may come while scans of the transaction still end. */
    IdcStatus (*finish)(IdcSourceScan *scan, const IdcFinish *finish, IdcError *err);
} IdcAdapter;

/* ---- the registry (adapters/registry.c, adapters/adapters.def) ---- */

/* All declarations, ends with NULL. */
const IdcDeclaration *const *idc_declarations(void);
const IdcDeclaration *idc_declaration_find(const char *name);

/* adapters/work.c, instant-source only: NULL: unknown, or left out of this build. */
const IdcAdapter *idc_adapter_find(const char *name);

/* ---- options, for all who read them (adapters/options.c) ---- */

/* Those that every adapter has beside its own (adapters/declare_common.c); ends with a name of
 * NULL. An adapter's own option of the same name comes first. All below look at both. */
extern const IdcAdapterOption idc_common_options[];

const IdcAdapterOption *idc_adapter_option_find(const IdcDeclaration *declaration,
                                                IdcOptionLevel level, const char *name);

/* One option given at a level: known there (else: nearest word), right level, a value of its type.
 */
IDC_CHECKED IdcStatus idc_adapter_option_check(const IdcDeclaration *declaration,
                                               IdcOptionLevel level, const char *name,
                                               const char *value, IdcError *err);
/* All of a level: each as above, required ones present, none twice, then declaration->check. */
IDC_CHECKED IdcStatus idc_adapter_options_check(const IdcDeclaration *declaration,
                                                IdcOptionLevel level, const IdcOptionSet *options,
                                                IdcError *err);
/* The value, the fallback, or NULL. For values that were checked. */
const char *idc_adapter_option_text(const IdcDeclaration *declaration, const IdcOptionSet *options,
                                    const char *name);
bool idc_adapter_option_bool(const IdcDeclaration *declaration, const IdcOptionSet *options,
                             const char *name);
/* INTEGER as it is, DURATION in ms, SIZE in bytes; -1 where there is neither value nor fallback. */
int64_t idc_adapter_option_number(const IdcDeclaration *declaration, const IdcOptionSet *options,
                                  const char *name);
/* NUMBER; -1 where there is neither value nor fallback. */
double idc_adapter_option_decimal(const IdcDeclaration *declaration, const IdcOptionSet *options,
                                  const char *name);

#endif
