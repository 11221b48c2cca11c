using System.Globalization;
using System.Text;
using Dolmen.Artifacts;
using Microsoft.Data.Sqlite;

namespace Dolmen.Retrieval;

/// <summary>One connection to an index file, for one thread at a time.</summary>
internal sealed class IndexReader : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _search;
    private readonly SqliteCommand _countOfRare;
    private readonly string _file;

    public IndexReader(string file)
    {
        _file = file;
        // immutable: no locks and no journal beside the file, which may lie on a read-only medium.
        var address = new Uri(Path.GetFullPath(file)).AbsoluteUri + "?immutable=1";
        _connection = new SqliteConnection($"Data Source={address};Mode=ReadOnly;Pooling=False");
        _search = _connection.CreateCommand();
        _countOfRare = _connection.CreateCommand();
        try
        {
            _connection.Open();
            Check();
            _search.CommandText = IndexFormat.OpenVocabulary;
            _search.ExecuteNonQuery();
            _countOfRare.CommandText = IndexFormat.CountOfRare;
            _countOfRare.Parameters.Add("$term", SqliteType.Text);
            _search.CommandText = IndexFormat.Search;
            _search.Parameters.Add("$terms", SqliteType.Text);
            _search.Parameters.Add("$count", SqliteType.Integer);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Runs what reads the file and says of SQLite's errors which file and what to do.</summary>
    public static T Guarded<T>(string file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (SqliteException e)
        {
            throw new UserErrorException(
                $"{file} cannot be read as an index of documents: {e.Message.TrimEnd('.')}. Build it again: delete it and run the run's "
                    + "command once more, or do without with --no-documents.",
                e
            );
        }
    }

    /// <summary>Refuses SQLite files of other programs and of other versions.</summary>
    private void Check()
    {
        if (Number("PRAGMA application_id") != IndexFormat.ApplicationId)
            throw new UserErrorException($"{_file} is an SQLite file but not an index of documents: name one that Dolmen built.");
        if (Number("PRAGMA user_version") is var version && version != IndexFormat.Version)
        {
            throw new UserErrorException(
                $"{_file} is an index of documents of version {version}, and this Dolmen reads version {IndexFormat.Version}: delete it "
                    + "and run the run's command once more."
            );
        }
    }

    public int Count() => (int)Number("SELECT count(*) FROM passages");

    public Dictionary<string, int> FrequentTerms()
    {
        var terms = new Dictionary<string, int>(StringComparer.Ordinal);
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT term, passages FROM frequent";
        using var row = command.ExecuteReader();
        while (row.Read()) terms[row.GetString(0)] = row.GetInt32(1);
        return terms;
    }

    /// <summary>In how many passages a term is that is not among <see cref="FrequentTerms"/>. The index folds diacritics and we do not: a
    /// term that is not ASCII counts as rare.</summary>
    public int CountOfRare(string term)
    {
        if (!Ascii.IsValid(term)) return 1;
        _countOfRare.Parameters["$term"].Value = term;
        return Convert.ToInt32(_countOfRare.ExecuteScalar() ?? 0, CultureInfo.InvariantCulture);
    }

    public List<FoundPassage> Search(IReadOnlyList<string> terms, int count)
    {
        if (terms.Count == 0) return [];
        // Every term stands in quotes: none of it is FTS5's own syntax.
        _search.Parameters["$terms"].Value = string.Join(" OR ", terms.Select(Quoted));
        _search.Parameters["$count"].Value = count;
        using var row = _search.ExecuteReader();
        var found = new List<FoundPassage>();
        while (row.Read())
        {
            var passage = new Passage(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3));
            found.Add(new FoundPassage(passage, row.GetDouble(4)));
        }
        return found;
    }

    private static string Quoted(string term) => $"\"{term.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private long Number(string query)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = query;
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        _search.Dispose();
        _countOfRare.Dispose();
        _connection.Dispose();
    }
}
