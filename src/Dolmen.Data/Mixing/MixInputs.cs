using Dolmen.Artifacts;
using Dolmen.Tables;

namespace Dolmen.Data.Mixing;

/// <summary>Which files a mixture reads, and which columns it has.</summary>
internal static class MixInputs
{
    public static List<(string Path, string Input)> Find(IReadOnlyList<string> inputs, SortedDictionary<string, string> leftOut)
    {
        if (inputs.Count == 0) throw new UserErrorException("no --input is given: name the corpora to mix.");
        var files = new List<(string, string)>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var input in inputs)
        {
            var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(input));
            InputPlace.ThrowUnlessFileOrFolder(root, "--input");
            var found = CorpusTables.FilesOf(root, (path, reason) => leftOut[path] = reason);
            if (found.Count == 0)
                throw new UserErrorException(
                    $"--input {input} is not a corpus: it is neither a Parquet file nor a folder with documents/*.parquet or *.parquet. "
                        + $"Make one with 'dolmen corpus build'."
                );
            foreach (var file in found)
                if (!seen.Add(file))
                    throw new UserErrorException(
                        $"--input {input}: {file} is named twice. Name it once; raise its weight or its epochs to take more of it."
                    );
            var name = Path.GetFileNameWithoutExtension(root);
            files.AddRange(found.Select(f => (f, name)));
        }
        return files;
    }

    public static (IReadOnlyList<TableColumn> Columns, List<string> Notices) Columns(IEnumerable<string> paths, MixRecipe recipe)
    {
        var notices = new SortedSet<string>(StringComparer.Ordinal);
        var all = new List<(string Path, IReadOnlyList<TableColumn> Columns)>();
        foreach (var path in paths.Order(StringComparer.Ordinal))
        {
            using var table = ParquetTable.Open(path);
            if (table.Find("text") is not { Kind: ColumnKind.Text })
                throw new UserErrorException(
                    $"{path} has no column text of strings: it is not a corpus. Leave it out or rename its column."
                );
            all.Add((path, table.Columns));
            foreach (var name in table.Unreadable) notices.Add($"column {name} is nested or of a rare type and is not carried over.");
        }
        var union = TableColumn.Union(all);
        if (recipe.Rehydrate && !Has("rehydration_weight") && !Has("cluster_size"))
            throw new UserErrorException(
                "rehydrate is asked for, but no input has a column rehydration_weight or cluster_size: build the corpora with "
                    + "deduplication, or set it to false."
            );
        if (recipe.Edges.Count > 0 && !Has(recipe.QualityColumn))
            throw new UserErrorException(
                $"qualityEdges are set, but no input has a column {recipe.QualityColumn}: score the corpora with a quality classifier "
                    + $"first, or leave them out."
            );
        if (recipe.MaxAiShare is not null && !Has("provenance"))
            notices.Add("maxAiShare is set, but no input has a column provenance: nothing is known to be AI-made.");
        return (union, [.. notices]);

        bool Has(string name) => union.Any(c => c.Name == name);
    }
}
