namespace Dolmen.Retrieval;

/// <summary>What an index file holds and how it is told from other SQLite files.</summary>
internal static class IndexFormat
{
    /// <summary>"Dolm" in ASCII, in the file's header.</summary>
    public const int ApplicationId = 0x446F6C6D;

    /// <summary>Changes with the tables and with what <see cref="IndexTerms"/> makes of a text.</summary>
    public const int Version = 1;

    /// <summary>The file has its name only once it is whole, so SQLite needs no journal.</summary>
    public static readonly string Settings =
        $"""
        PRAGMA page_size=4096; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA auto_vacuum=NONE; PRAGMA encoding='UTF-8';
        PRAGMA application_id={ApplicationId}; PRAGMA user_version={Version};
        """;

    // The terms come from IndexTerms, separated by spaces. The index says only which passages hold a term: how well they fit is decided by
    // Ranking, which looks at the text of the few that hold the rarest ones.
    public const string Create =
        """
        CREATE TABLE passages(number INTEGER PRIMARY KEY, id TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL, source TEXT NOT NULL);
        CREATE VIRTUAL TABLE search USING fts5(terms, content='', detail=none, columnsize=0,
          tokenize="unicode61 remove_diacritics 0 categories 'L* M* N* P* S* Co Cs'");
        CREATE TABLE frequent(term TEXT PRIMARY KEY, passages INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE lengths(title INTEGER NOT NULL, text INTEGER NOT NULL);
        """;

    /// <summary>In how many passages the terms of more than 64 are; of rarer ones SQLite counts them fast enough.</summary>
    public const string ListFrequent =
        """
        CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, search, row);
        INSERT INTO frequent SELECT term, doc FROM temp.vocabulary WHERE doc > 64 ORDER BY term;
        DROP TABLE temp.vocabulary;
        """;

    public const string OpenVocabulary =
        """
        PRAGMA temp_store=MEMORY;
        CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, search, row);
        """;

    public const string CountOfRare = "SELECT doc FROM temp.vocabulary WHERE term = $term";

    public const string Holding = "SELECT rowid FROM search WHERE search MATCH $term";

    public const string ByNumber = "SELECT id, title, text, source FROM passages WHERE number = $number";
}
