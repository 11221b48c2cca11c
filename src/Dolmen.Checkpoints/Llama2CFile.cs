using System.Buffers.Binary;
using Dolmen.Artifacts;
using Microsoft.Win32.SafeHandles;

namespace Dolmen.Checkpoints;

/// <summary>A model as llama2.c's train.py exports it: seven sizes (width, feed-forward, layers, heads, key-value heads, vocabulary,
/// context), then all weights as floats, those of one kind together for all layers.</summary>
public sealed class Llama2CFile : IDisposable
{
    private const int HeaderBytes = 7 * sizeof(int);
    private const uint NewerMagic = 0x616B3432;                          // "ak42": a header with a version follows

    private readonly string _path;
    private readonly SafeFileHandle _handle;
    private readonly Dictionary<string, (long Start, long Elements)> _places = new(StringComparer.Ordinal);

    private Llama2CFile(string path, SafeFileHandle handle, TransformerConfig config) => (_path, _handle, Config) = (path, handle, config);

    public TransformerConfig Config { get; }

    /// <exception cref="UserErrorException">Missing, damaged, or of another size than its header says.</exception>
    public static Llama2CFile Open(string path)
    {
        if (!File.Exists(path)) throw new UserErrorException($"'{path}' does not exist: name a model file of llama2.c.");
        var handle = RegularFile.OpenHandle(path);
        try
        {
            var file = new Llama2CFile(path, handle, Header(path, handle));
            var elements = file.LocateTensors();
            var expected = HeaderBytes + elements * sizeof(float);
            var length = RandomAccess.GetLength(handle);
            return length == expected ? file
                : throw Bad(path, $"it has {length} bytes where its header asks for {expected}: it is cut off or of another format");
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Each of the configuration's tensors, one in memory at a time.</summary>
    public IEnumerable<NamedTensor> Tensors()
    {
        foreach (var tensor in Config.Tensors())
        {
            var (start, elements) = _places[tensor.Name];
            var values = Read(start, elements);
            if (tensor.Name.Contains(".q_proj.", StringComparison.Ordinal))
                values = RotaryRows.ToHalves(values, Config.Heads, Config.HeadDim);
            if (tensor.Name.Contains(".k_proj.", StringComparison.Ordinal))
                values = RotaryRows.ToHalves(values, Config.KvHeads, Config.HeadDim);
            yield return new NamedTensor(tensor.Name, tensor.Shape, values);
        }
    }

    public void Dispose() => _handle.Dispose();

    private static TransformerConfig Header(string path, SafeFileHandle handle)
    {
        Span<byte> bytes = stackalloc byte[HeaderBytes];
        if (RandomAccess.Read(handle, bytes, 0) != HeaderBytes) throw Bad(path, $"it has fewer than {HeaderBytes} bytes");
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) == NewerMagic)
        {
            throw Bad(path, "it is of the versioned format; only the first one, without a version, is read");
        }
        Span<int> sizes = stackalloc int[7];
        for (var i = 0; i < sizes.Length; i++) sizes[i] = BinaryPrimitives.ReadInt32LittleEndian(bytes[(4 * i)..]);
        var vocabulary = sizes[5] == int.MinValue ? 0 : Math.Abs(sizes[5]);   // negative: the head has its own matrix
        if (sizes[3] < 1 || sizes[0] % sizes[3] != 0) throw Bad(path, $"its width {sizes[0]} is not a multiple of its {sizes[3]} heads");
        var config = new TransformerConfig(vocabulary, sizes[0], sizes[2], sizes[3], sizes[4], sizes[0] / sizes[3], sizes[1], sizes[6],
            TieEmbeddings: sizes[5] > 0);
        var problems = config.Problems();
        return problems.Count == 0 ? config : throw Bad(path, string.Join(" ", problems));
    }

    /// <summary>Where each tensor begins, in floats; gives the number of all.</summary>
    private long LocateTensors()
    {
        var shapes = Config.Tensors().ToDictionary(tensor => tensor.Name, tensor => tensor.Elements, StringComparer.Ordinal);
        long at = 0;
        void One(string name)
        {
            _places.Add(name, (at, shapes[name]));
            at += shapes[name];
        }
        void Layers(string name)
        {
            for (var layer = 0; layer < Config.Layers; layer++) One($"model.layers.{layer}.{name}.weight");
        }
        One("model.embed_tokens.weight");
        foreach (var name in (string[])["input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
            "post_attention_layernorm", "mlp.gate_proj", "mlp.down_proj", "mlp.up_proj"])
        {
            Layers(name);
        }
        One("model.norm.weight");
        at += (long)Config.ContextLength * Config.HeadDim;               // tables of cosines and sines, which follow from the rest
        if (!Config.TieEmbeddings) One("lm_head.weight");
        return at;
    }

    private float[] Read(long start, long elements)
    {
        var bytes = new byte[checked(elements * sizeof(float))];
        var position = HeaderBytes + start * sizeof(float);
        for (var done = 0; done < bytes.Length;)
        {
            var read = RandomAccess.Read(_handle, bytes.AsSpan(done), position + done);
            if (read == 0) throw Bad(_path, "it ended while being read");
            done += read;
        }
        var values = new float[elements];
        TensorDtypes.Decode(TensorDtype.Float32, bytes, values);
        return values;
    }

    private static UserErrorException Bad(string path, string rule) =>
        new($"'{path}' is not a whole model of llama2.c: {rule}. Export or fetch it again.");
}
