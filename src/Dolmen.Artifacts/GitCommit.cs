namespace Dolmen.Artifacts;

/// <summary>The commit a checkout stands at, read from its files: git need not be installed.</summary>
public static class GitCommit
{
    /// <summary>The commit of the checkout that holds <paramref name="folder"/>; null where no checkout does.</summary>
    public static string? Of(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
        {
            var git = Path.Combine(at.FullName, ".git");
            if (Directory.Exists(git)) return Head(git);
            if (File.Exists(git)) return Head(FollowLink(git, at.FullName));
        }
        return null;
    }

    /// <summary>A linked worktree's <c>.git</c> is a file: <c>gitdir: PATH</c>.</summary>
    private static string FollowLink(string file, string folder)
    {
        const string Label = "gitdir:";
        var text = RegularFile.ReadAllText(file).Trim();
        return text.StartsWith(Label, StringComparison.Ordinal) ? Path.GetFullPath(text[Label.Length..].Trim(), folder) : folder;
    }

    private static string? Head(string git)
    {
        const string Label = "ref:";
        var head = ReadLine(Path.Combine(git, "HEAD"));
        if (head is null || !head.StartsWith(Label, StringComparison.Ordinal)) return head;
        var name = head[Label.Length..].Trim();
        var shared = ReadLine(Path.Combine(git, "commondir")) is { } common ? Path.GetFullPath(common, git) : git;
        foreach (var root in new[] { git, shared })
        {
            if (ReadLine(Path.Combine(root, name)) is { } commit) return commit;
        }
        var packed = Path.Combine(shared, "packed-refs");
        if (!File.Exists(packed)) return null;
        return RegularFile.ReadLines(packed).FirstOrDefault(line => line.EndsWith(" " + name, StringComparison.Ordinal))?.Split(' ')[0];
    }

    private static string? ReadLine(string file) => File.Exists(file) ? RegularFile.ReadLines(file).FirstOrDefault()?.Trim() : null;
}
