using Dolmen.Tables;

namespace Dolmen.Data.Reports;

/// <summary>Rows of a table of texts, asked for from first to last: one row group is held, and of it only the columns that were asked
/// for.</summary>
internal sealed class TextRows(string path) : IDisposable
{
    private readonly Dictionary<string, string?[]> _columns = new(StringComparer.Ordinal);
    private ParquetTable? _table;
    private int _group;
    private long _first;

    /// <returns>Empty for null, and past the last row.</returns>
    public string Get(string column, long row)
    {
        _table ??= ParquetTable.Open(path);
        while (_group < _table.Groups && row >= _first + _table.Rows(_group))
        {
            _first += _table.Rows(_group++);
            _columns.Clear();
        }
        if (_group >= _table.Groups) return "";
        if (!_columns.TryGetValue(column, out var values)) _columns[column] = values = _table.Strings(_group, _table.Find(column));
        return values[row - _first] ?? "";
    }

    public void Dispose() => _table?.Dispose();
}
