namespace Dolmen.Artifacts;

/// <summary>Text that travels inside an assembly.</summary>
public static class EmbeddedText
{
    /// <summary>The text, or null when the assembly holds none of that name.</summary>
    /// <param name="owner">A type of the assembly.</param>
    public static string? Find(Type owner, string name)
    {
        using var stream = owner.Assembly.GetManifestResourceStream(name);
        if (stream is null) return null;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <inheritdoc cref="Find"/>
    public static string Read(Type owner, string name) =>
        Find(owner, name) ?? throw new InvalidOperationException($"{name} is not embedded in {owner.Assembly.GetName().Name}.");
}
