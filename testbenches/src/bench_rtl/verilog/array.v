// The output-stationary array as an engineer would write it, with the stimulus and the checksum that the benchmark puts around it.
// The same function as `ArrayBench`, to the bit, in every cycle.

module mac_pe (
    input  wire               clock,
    input  wire               reset,
    input  wire               clear,
    input  wire signed [7:0]  west,
    input  wire signed [7:0]  north,
    output reg  signed [7:0]  east,
    output reg  signed [7:0]  south,
    output wire signed [31:0] sum
);
  reg  signed [31:0] acc;
  wire signed [15:0] product = west * north;

  assign sum = acc;

  initial begin
    east  = 0;
    south = 0;
    acc   = 0;
  end

  always @(posedge clock) begin
    if (reset) begin
      east  <= 0;
      south <= 0;
      acc   <= 0;
    end else begin
      east  <= west;
      south <= north;
      acc   <= clear ? product : acc + product;
    end
  end
endmodule

// A number each cycle: the exclusive-or of the halves of a register to which KEY is added.
module source #(
    parameter [15:0] KEY = 1
) (
    input  wire       clock,
    input  wire       reset,
    output wire [7:0] data
);
  reg [15:0] state;

  assign data = state[7:0] ^ state[15:8];

  initial state = 0;

  always @(posedge clock)
    if (reset) state <= 0;
    else state <= state + KEY;
endmodule

module array_bench #(
    parameter N = 16
) (
    input  wire        clock,
    input  wire        reset,
    output reg  [31:0] checksum
);
  reg [5:0] cycle;
  wire clear = cycle == 6'd63;

  genvar r, c;
  generate
    for (c = 0; c < N; c = c + 1) begin : top
      wire [7:0] north;
      source #(.KEY(((16'h9e37 * (4 * c + 3)) & 16'hffff) | 16'h1)) north_source (.clock(clock), .reset(reset), .data(north));
    end

    for (r = 0; r < N; r = r + 1) begin : row
      wire [7:0] west;
      source #(.KEY(((16'h9e37 * (4 * r + 1)) & 16'hffff) | 16'h1)) west_source (.clock(clock), .reset(reset), .data(west));

      for (c = 0; c < N; c = c + 1) begin : col
        wire signed [7:0] west_in, north_in, east, south;
        wire signed [31:0] sum;

        if (c == 0) assign west_in = row[r].west;
        else assign west_in = row[r].col[c-1].east;

        if (r == 0) assign north_in = top[c].north;
        else assign north_in = row[r-1].col[c].south;

        mac_pe pe (
            .clock(clock),
            .reset(reset),
            .clear(clear),
            .west(west_in),
            .north(north_in),
            .east(east),
            .south(south),
            .sum(sum)
        );
      end
    end

    // The diagonal's sums, gathered from the first to the last, a step each cycle.
    for (r = 0; r < N; r = r + 1) begin : fold
      reg  [31:0] folded;
      wire [31:0] earlier;
      if (r == 0) assign earlier = 0;
      else assign earlier = fold[r-1].folded;

      initial folded = 0;
      always @(posedge clock)
        if (reset) folded <= 0;
        else folded <= earlier ^ row[r].col[r].sum;
    end
  endgenerate

  initial begin
    cycle    = 0;
    checksum = 0;
  end

  always @(posedge clock) begin
    if (reset) begin
      cycle    <= 0;
      checksum <= 0;
    end else begin
      cycle    <= cycle + 1;
      checksum <= {checksum[30:0], checksum[31]} ^ fold[N-1].folded;
    end
  end
endmodule
